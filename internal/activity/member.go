package activity

import (
	"encoding/json"
	"fmt"
	"slices"
)

// member is a name in a document with the bytes of its value, exactly as they were written. What was signed must not be
// written anew.
type member struct {
	name  string
	value json.RawMessage
}

// members are the members of a document in their order.
type members []member

// membersOf takes a document apart, but for the insides of its members.
func membersOf(document []byte) (members, error) {
	decoder := newDecoder(document)
	if start, err := decoder.ReadToken(); err != nil || start.Kind() != '{' {
		return nil, fmt.Errorf("read the members of a document: it is no JSON object")
	}
	var list members
	for {
		token, err := decoder.ReadToken()
		if err != nil {
			return nil, fmt.Errorf("read the members of a document: %w", err)
		}
		if token.Kind() == '}' {
			return list, nil
		}
		name := token.String()
		value, err := decoder.ReadValue()
		if err != nil {
			return nil, fmt.Errorf("read the members of a document: %s: %w", short(name), err)
		}
		list = append(list, member{name, json.RawMessage(value.Clone())})
	}
}

// get is the value of a member, nil when there is none.
func (list members) get(name string) json.RawMessage {
	for _, m := range list {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// without is the list but for the members of those names.
func (list members) without(names ...string) members {
	return slices.DeleteFunc(slices.Clone(list), func(m member) bool { return slices.Contains(names, m.name) })
}

// with is the list with another value for the member of that name, in its place, or at the end.
func (list members) with(name string, value json.RawMessage) members {
	list = slices.Clone(list)
	for i := range list {
		if list[i].name == name {
			list[i].value = value
			return list
		}
	}
	return append(list, member{name, value})
}

// bytes are the document that the members make.
func (list members) bytes() []byte {
	out := []byte("{")
	for i, m := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(appendString(out, m.name), ':'), m.value...)
	}
	return append(out, '}')
}
