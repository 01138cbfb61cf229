package activity

import (
	"encoding/json"
	"fmt"
	"slices"
)

// member is a name in a document and the exact bytes of its value. They must not be serialized again, because a
// signature may cover them.
type member struct {
	name  string
	value json.RawMessage
}

// members are the members of a document in their order.
type members []member

// membersOf splits a document into its members.
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
		// The decoder reuses the bytes of a value at its next read, so they are copied.
		list = append(list, member{name, json.RawMessage(value.Clone())})
	}
}

// get returns the value of a member, nil when there is none.
func (list members) get(name string) json.RawMessage {
	for _, m := range list {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// without returns the list without the members of these names.
func (list members) without(names ...string) members {
	return slices.DeleteFunc(slices.Clone(list), func(m member) bool { return slices.Contains(names, m.name) })
}

// with returns the list with a new value for the member of that name, which is added at the end if it is missing.
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

// bytes returns the document of the members.
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
