import ArgumentParser
import ControlPlane

BerthdCommand.main()
