import ArgumentParser

InteropServerCommand.main()
