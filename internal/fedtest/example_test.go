package fedtest_test

import (
	"context"
	"fmt"
	"log"
	"runtime"
	"time"

	"causerie/internal/fedtest"
)

// Bram follows Nadia, gets her post, answers, and her server goes through a bad hour.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	world := fedtest.New(fedtest.Config{Ports: runtime.GOOS != "linux"})
	defer world.Close()
	veerhuis, err := world.AddServer("veerhuis", fedtest.Mastodon)
	if err != nil {
		log.Fatal(err)
	}
	noordkade, err := world.AddServer("noordkade", fedtest.GoToSocial)
	if err != nil {
		log.Fatal(err)
	}
	bram, nadia := veerhuis.Person("bram"), noordkade.Person("nadia")

	found, _ := bram.LookUp(ctx, nadia.Handle())
	bram.Follow(ctx, found.ID)
	fmt.Println("accepted:", bram.WaitAccepted(ctx, found.ID) == nil)

	nadia.Post(ctx, "<p>The ferry is late.</p>")
	delivery, _ := veerhuis.WaitFor(ctx, fedtest.OfType("Create"))
	fmt.Println("bram reads", bram.HomeTimeline()[0].Content)

	reply, _ := bram.Reply(ctx, delivery.Object, "<p>Four minutes.</p>", fedtest.Language("en"))
	post, _ := noordkade.FindPost(reply.Object)
	fmt.Println("nadia reads", post.Content)

	noordkade.SetBehaviour(fedtest.RateLimiting(time.Minute, 1))
	_, err = bram.Send(ctx, nadia.Inbox(), map[string]any{"type": "Like", "actor": bram.ID}, fedtest.Unsigned())
	fmt.Println("refused:", err != nil, len(noordkade.Deliveries()), "deliveries,", len(noordkade.Received("Create")),
		"accepted")
	// Output:
	// accepted: true
	// bram reads <p>The ferry is late.</p>
	// nadia reads <p>Four minutes.</p>
	// refused: true 3 deliveries, 1 accepted
}
