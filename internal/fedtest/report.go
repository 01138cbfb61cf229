package fedtest

import (
	"context"
	"fmt"
)

// Report tells the server of an actor what is wrong with it, and with things of its. It goes out in this person's name,
// as from small servers; see [Server.Report].
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

// Report is the same in the name of the server, as Mastodon has it, so that nobody learns who complained.
func (s *Server) Report(ctx context.Context, actorID string, objects []string, words string) (Response, error) {
	return s.instance.Report(ctx, actorID, objects, words)
}
