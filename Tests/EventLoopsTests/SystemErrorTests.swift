import EventLoops
import Glibc
import Testing

@Suite struct SystemErrorTests {
    @Test("an error says the function and the system's text")
    func describes() {
        let error = SystemError(function: "bind", code: EADDRINUSE)
        #expect(error.description == "bind: Address already in use")
    }

    @Test("the last error is the current errno")
    func last() {
        close(-1)
        #expect(SystemError.last("close").code == EBADF)
    }
}
