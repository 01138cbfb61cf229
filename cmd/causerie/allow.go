package main

type allowCommand struct {
	Add    allowAdd    `cmd:"" help:"Add a server and its subdomains to the list."`
	Remove allowRemove `cmd:"" help:"Remove a server from the list."`
	List   allowList   `cmd:"" help:"List the allowed servers."`
}

// Help is printed below the command's line by --help.
func (allowCommand) Help() string {
	return "With --federation allow-list the blog exchanges messages only with the servers of this list. With " +
		"--federation open, the default, the list has no effect."
}

// allowNamed is the argument of commands about one allowed server.
type allowNamed struct {
	Domain string `arg:"" help:"The domain of the server, like veerhuis.example."`
}
