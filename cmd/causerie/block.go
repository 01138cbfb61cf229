package main

import "causerie/internal/blog"

type blockCommand struct {
	Add    blockAdd    `cmd:"" help:"Limit or refuse a server with all below it, or a person."`
	Remove blockRemove `cmd:"" help:"Undo a block."`
	List   blockList   `cmd:"" help:"List what is blocked."`
	Import blockImport `cmd:"" help:"Block the servers of a list: Mastodon's CSV, or bare domains, one a line."`
	Export blockExport `cmd:"" help:"Print the blocked servers as Mastodon's CSV."`
}

// Help is printed below the command's line by --help.
func (blockCommand) Help() string {
	return "limit: comments wait for approval, reactions are not shown or counted, follows wait for a yes. refuse: " +
		"nothing is taken in or sent, " +
		"followers are sent away, and what was said before is hidden everywhere. A running server follows within two seconds."
}

// blockSubject is whom commands about one block are given.
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
		At: instant(&b.At)}
}
