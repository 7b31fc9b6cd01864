import AgentCore
import ArgumentParser

AgentCommand.main()
