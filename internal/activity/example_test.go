package activity_test

import (
	"fmt"
	"log"

	"causerie/internal/activity"
)

// A reply arrives: the bytes pass the limits of Read, and Parse makes one small struct of them.
func ExampleParse() {
	document, err := activity.Read([]byte(`{
		"type": "Create", "actor": "https://veerhuis.example/users/bram",
		"object": {"type": "Note", "id": "https://veerhuis.example/notes/1",
			"attributedTo": "https://veerhuis.example/users/bram",
			"inReplyTo": "https://overkant.example/2026/11/four-minutes-wide",
			"to": ["as:Public"], "content": "<p>Three on Sundays.</p>"}}`))
	if err != nil {
		log.Fatal(err)
	}
	a, err := activity.Parse(document)
	if err != nil {
		log.Fatal(err)
	}
	switch act := a.Act.(type) {
	case activity.Create:
		fmt.Println(a.Actor, "writes", act.Object.Content)
		fmt.Println("in reply to", act.Object.InReplyTo)
	default:
		fmt.Println("not acted on:", a.Type)
	}
	// Output:
	// https://veerhuis.example/users/bram writes <p>Three on Sundays.</p>
	// in reply to https://overkant.example/2026/11/four-minutes-wide
}
