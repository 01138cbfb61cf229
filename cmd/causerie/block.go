package main

import "causerie/internal/blog"

type blockCommand struct {
	Add    blockAdd    `cmd:"" help:"Limit or refuse a server with its subdomains, or a person."`
	Remove blockRemove `cmd:"" help:"Remove a block."`
	List   blockList   `cmd:"" help:"List all blocks."`
	Import blockImport `cmd:"" help:"Block the servers of a list: Mastodon's CSV, or one domain on each line."`
	Export blockExport `cmd:"" help:"Print the blocked servers as Mastodon's CSV."`
}

// Help is printed below the command's line by --help.
func (blockCommand) Help() string {
	return "limit: comments and follow requests wait for approval, and reactions are neither shown nor counted. refuse: " +
		"nothing is accepted or sent, followers are removed, and earlier comments and reactions are hidden. A running " +
		"server applies a change within two seconds."
}

// blockSubject is the argument of commands about one block.
type blockSubject struct {
	Subject string `arg:"" placeholder:"WHOM" help:"A domain (evil.example), a person (@kade@evil.example) or an actor."`
}

type blockLine struct {
	Kind    string `json:"kind"` // host or actor
	Subject string `json:"subject"`
	Level   string `json:"level"`
	Reason  string `json:"reason,omitempty"`
	Note    string `json:"note,omitempty"`
	At      string `json:"at"`
	*reachLine
}

func lineOf(b blog.Block) blockLine {
	return blockLine{Kind: string(b.Kind), Subject: b.Subject, Level: string(b.Level), Reason: b.Reason, Note: b.Note,
		At: jsonTime(&b.At)}
}
