import TestSupport

extension HeldPort {
    /// A database there.
    func uri(password: String = "") -> String {
        "hostaddr=127.0.0.1 port=\(number) user=x dbname=x password='\(password)' passfile=/dev/null/none"
    }
}
