package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Activity is what servers accept when they fetch a document.
const Activity = "application/activity+json"

// reader reads pages as strangers do. It follows redirects.
var reader = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

// Get reads an address and returns the status and the body, at most 16 MiB.
func Get(ctx context.Context, address, accept string) (int, string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Accept", accept)
	answer, err := reader.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 16<<20))
	return answer.StatusCode, string(body), err
}

// collection is an ActivityPub collection or a page of one.
type collection struct {
	ID         string            `json:"id"`
	TotalItems int               `json:"totalItems"`
	First      json.RawMessage   `json:"first"`
	Next       string            `json:"next"`
	Items      []json.RawMessage `json:"items"`
	Ordered    []json.RawMessage `json:"orderedItems"`
}

// Collection reads all pages of a collection: the number that it states, and the ids that it lists.
func Collection(ctx context.Context, address string) (total int, ids []string, err error) {
	first, err := page(ctx, address)
	if err != nil {
		return 0, nil, err
	}
	total, at := first.TotalItems, first
	// first is a page, or the address of one.
	if len(first.First) > 0 {
		var next string
		at = collection{}
		if json.Unmarshal(first.First, &next) == nil {
			at, err = page(ctx, next)
		} else {
			err = json.Unmarshal(first.First, &at)
		}
	}
	for range 10_000 {
		if err != nil {
			return 0, nil, err
		}
		for _, item := range append(at.Items, at.Ordered...) {
			ids = append(ids, idOf(item))
		}
		if at.Next == "" {
			return total, ids, nil
		}
		at, err = page(ctx, at.Next)
	}
	return 0, nil, fmt.Errorf("%s does not end", address)
}

func page(ctx context.Context, address string) (c collection, err error) {
	status, body, err := Get(ctx, address, Activity)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s answers %d", address, status)
	}
	if err == nil {
		err = json.Unmarshal([]byte(body), &c)
	}
	return c, err
}

// idOf returns the id of an item that is named or embedded.
func idOf(item json.RawMessage) string {
	var id string
	if json.Unmarshal(item, &id) == nil {
		return id
	}
	var object struct{ ID string }
	if err := json.Unmarshal(item, &object); err != nil {
		return ""
	}
	return object.ID
}
