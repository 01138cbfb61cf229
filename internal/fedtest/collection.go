package fedtest

import (
	"context"
	"fmt"
	"path"
	"slices"
	"time"
)

// collection is a list of accounts that a person here recommends (FEP-7aa9). Those who said no stay among its items,
// but are not shown.
type collection struct {
	id, name, topic string
	owner           *Person
	items           []*collectionItem
	gone            bool
	changed         time.Time
}

// collectionItem is somebody who is featured, or was asked.
type collectionItem struct {
	permission
	id string
}

// MakeCollection makes a collection of recommended accounts, which everybody can fetch, and returns its id. topic is a
// hashtag without its "#"; "" for none.
func (p *Person) MakeCollection(name, topic string) string {
	s := p.Server
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &collection{id: fmt.Sprintf("%s/collections/%d", p.ID, s.world.nextID()), name: name, topic: topic, owner: p,
		changed: s.world.config.Now()}
	s.collections[c.id] = c
	return c.id
}

// Feature asks an actor elsewhere whether a collection may feature them. It sends the FeatureRequest to their inbox.
func (p *Person) Feature(ctx context.Context, collectionID, actorID string) (Sent, error) {
	actor, err := p.fetchActor(ctx, actorID)
	if err != nil {
		return Sent{}, fmt.Errorf("FeatureRequest: %w", err)
	}
	s := p.Server
	s.mu.Lock()
	c := s.collections[collectionID]
	if c == nil || c.owner != p {
		s.mu.Unlock()
		return Sent{}, fmt.Errorf("FeatureRequest: %s has no collection %s", p.Handle(), collectionID)
	}
	n := s.world.nextID()
	item := &collectionItem{permission{request: fmt.Sprintf("%s/asks/%d", c.id, n), object: actorID, state: Pending},
		fmt.Sprintf("%s/items/%d", c.id, n)}
	// Before the request is sent: the answer may arrive before the response.
	c.items = append(slices.DeleteFunc(c.items, func(i *collectionItem) bool { return i.object == actorID }), item)
	s.mu.Unlock()
	return p.deliver(ctx, map[string]any{"id": item.request, "type": "FeatureRequest", "object": actorID,
		"instrument": c.id}, actor.Inbox)
}

// Featured returns the state of the permission of an actor to be in a collection, and the authorization that proves it.
// The state is "" when the actor was not asked, or was taken out again.
func (p *Person) Featured(collectionID, actorID string) (state, authorization string) {
	p.Server.mu.Lock()
	defer p.Server.mu.Unlock()
	if c := p.Server.collections[collectionID]; c != nil {
		for _, i := range c.items {
			if i.object == actorID {
				return i.state, i.authorization
			}
		}
	}
	return "", ""
}

// AnnounceItem sends the Add of an actor in a collection to an inbox, and returns the id of the item.
func (p *Person) AnnounceItem(ctx context.Context, collectionID, actorID, inbox string) (string, error) {
	c, item, err := p.itemOf(collectionID, actorID)
	if err != nil {
		return "", err
	}
	_, err = p.deliver(ctx, p.act("Add", item.document(), map[string]any{"target": c.id}), inbox)
	return item.id, err
}

// RemoveItem takes an actor out of a collection, and sends the Remove to an inbox; "" sends nothing.
func (p *Person) RemoveItem(ctx context.Context, collectionID, actorID, inbox string) error {
	c, item, err := p.itemOf(collectionID, actorID)
	if err != nil {
		return err
	}
	p.Server.mu.Lock()
	c.items = slices.DeleteFunc(c.items, func(i *collectionItem) bool { return i == item })
	p.Server.mu.Unlock()
	if inbox == "" {
		return nil
	}
	_, err = p.deliver(ctx, p.act("Remove", item.id, map[string]any{"target": c.id}), inbox)
	return err
}

// EditCollection renames a collection, and sends the Update to an inbox.
func (p *Person) EditCollection(ctx context.Context, collectionID, name, inbox string) error {
	p.Server.mu.Lock()
	c := p.Server.collections[collectionID]
	c.name, c.changed = name, p.Server.world.config.Now()
	document := c.document()
	p.Server.mu.Unlock()
	_, err := p.deliver(ctx, p.act("Update", document, nil), inbox)
	return err
}

// DeleteCollection deletes a collection, and sends an activity about it to an inbox: its Delete, or its Remove from all
// collections of the owner, as Mastodon does; "" sends nothing.
func (p *Person) DeleteCollection(ctx context.Context, collectionID, kind, inbox string) error {
	p.Server.mu.Lock()
	p.Server.collections[collectionID].gone = true
	p.Server.mu.Unlock()
	more := map[string]any{}
	switch kind {
	case "":
		return nil
	case "Remove":
		more["target"] = p.ID + "/collections"
	}
	_, err := p.deliver(ctx, p.act(kind, collectionID, more), inbox)
	return err
}

func (p *Person) itemOf(collectionID, actorID string) (*collection, *collectionItem, error) {
	p.Server.mu.Lock()
	defer p.Server.mu.Unlock()
	if c := p.Server.collections[collectionID]; c != nil {
		for _, i := range c.items {
			if i.object == actorID {
				return c, i, nil
			}
		}
	}
	return nil, nil, fmt.Errorf("%s does not feature %s in %s", p.Handle(), actorID, collectionID)
}

// act returns an activity of a person about an object.
func (p *Person) act(kind string, object any, more map[string]any) map[string]any {
	act := map[string]any{"id": fmt.Sprintf("%s#acts/%d", p.ID, p.Server.world.nextID()), "type": kind, "object": object,
		"to": []string{public}}
	for name, value := range more {
		act[name] = value
	}
	return act
}

// document returns the collection as Mastodon 4.6 writes it. Server.mu is held.
func (c *collection) document() map[string]any {
	items := []any{}
	for _, i := range c.items {
		if i.state == Accepted {
			items = append(items, i.document())
		}
	}
	document := map[string]any{"id": c.id, "type": "FeaturedCollection", "name": c.name,
		"summary":      "<p>Who writes by the water.</p>",
		"attributedTo": c.owner.ID, "url": c.owner.Server.URL + "/collections/" + path.Base(c.id), "sensitive": false,
		"discoverable": true, "totalItems": len(items), "orderedItems": items,
		"published": timestamp(c.changed), "updated": timestamp(c.changed)}
	if c.topic != "" {
		document["topic"] = map[string]any{"type": "Hashtag", "name": "#" + c.topic,
			"href": c.owner.Server.URL + "/tags/" + c.topic}
	}
	return document
}

func (i *collectionItem) document() map[string]any {
	return map[string]any{"id": i.id, "type": "FeaturedItem", "featuredObject": i.object, "featuredObjectType": "Person",
		"featureAuthorization": i.authorization}
}
