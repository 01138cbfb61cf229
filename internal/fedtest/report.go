package fedtest

import (
	"context"
	"fmt"
)

// Report sends a Flag about an actor and some of its objects to the actor's server. It is signed by this person, as
// small servers do it; see [Server.Report].
func (p *Person) Report(ctx context.Context, actorID string, objects []string, words string) (Response, error) {
	actor, err := p.fetchActor(ctx, actorID)
	if err != nil {
		return Response{}, fmt.Errorf("report: %w", err)
	}
	return p.Send(ctx, actor.DeliverTo(), map[string]any{
		"id": fmt.Sprintf("%s/reports/%d", p.Server.URL, p.Server.world.nextID()), "type": "Flag", "actor": p.ID,
		"content": words, "object": append([]string{actorID}, objects...),
	})
}

// Report sends a Flag signed by the instance actor, as Mastodon does, so that nobody learns who reported.
func (s *Server) Report(ctx context.Context, actorID string, objects []string, words string) (Response, error) {
	return s.instance.Report(ctx, actorID, objects, words)
}
