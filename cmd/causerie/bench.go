package main

// benchCommand has the tools that measure a blog. It is hidden: authors and operators need none of them.
type benchCommand struct {
	Seed benchSeed `cmd:"" help:"Fill an empty blog with articles, comments and followers, to measure it."`
}
