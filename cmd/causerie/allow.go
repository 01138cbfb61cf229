package main

type allowCommand struct {
	Add    allowAdd    `cmd:"" help:"Allow a server with all below it."`
	Remove allowRemove `cmd:"" help:"Take a server off the list."`
	List   allowList   `cmd:"" help:"List the servers that are allowed."`
}

// Help is printed below the command's line by --help.
func (allowCommand) Help() string {
	return "With --federation allow-list the blog hears, asks and writes to nobody but the servers of this list. With " +
		"--federation open, the " +
		"default, the list waits."
}

// allowNamed is the server that commands about one are given.
type allowNamed struct {
	Domain string `arg:"" help:"The server's domain, as in veerhuis.example."`
}
