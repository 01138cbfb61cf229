package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"causerie/internal/blog"
	"causerie/internal/store"
)

// measureMemory looks at the memory of the server at rest, at its processor time there, and at its memory while it
// tries servers that nobody can reach. What a stampede leaves is measured with the stampede.
func measureMemory(ctx context.Context, b *bench) error {
	o, err := b.blog(ctx, benchSeed{Comments: 1000, Followers: 100, Hosts: 10})
	if err != nil {
		return err
	}
	defer o.remove()
	began := time.Now()
	if err := o.start(ctx); err != nil {
		return err
	}
	ready := time.Since(began)
	sleep(ctx, 8*time.Second)
	b.add(figure{What: "at rest", Value: memory(o.process, "VmRSS"), Unit: "MB", Most: 33,
		Note: fmt.Sprintf("ready after %d ms", ready.Milliseconds())})
	const rest = 20 * time.Second
	before := cpu(o.process)
	sleep(ctx, rest)
	b.add(figure{What: "busy at rest", Value: 100 * (cpu(o.process) - before) / rest.Seconds(), Unit: "% of a core",
		Most: 0.5})
	servers := b.size(2000, 10_000)
	if err := o.unreachable(ctx, servers); err != nil {
		return err
	}
	if _, err := o.publish(ctx, "An article that nobody gets"); err != nil {
		return err
	}
	most := 0.0
	before = cpu(o.process)
	for range b.size(30, 90) {
		sleep(ctx, time.Second)
		most = max(most, memory(o.process, "VmRSS"))
	}
	b.add(figure{What: "among unreachable servers", Value: most, Unit: "MB", Most: 100, CPU: cpu(o.process) - before,
		Note: fmt.Sprintf("%d servers", servers)})
	return nil
}

// unreachable adds followers on servers at addresses where nobody listens.
func (o *benchBlog) unreachable(ctx context.Context, servers int) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	defer l.Close() // it keeps the port of 127.0.0.1; the other addresses refuse it
	for first := 0; first < servers; first += 500 {
		err := o.store.InTx(ctx, func(s *store.Store) error {
			for i := first; i < min(first+500, servers); i++ {
				host := fmt.Sprintf("127.200.%d.%d:%s", i/250, 1+i%250, port)
				a := blog.Actor{ID: "http://" + host + "/reader", Type: "Person", Host: host, Inbox: "http://" + host + "/inbox",
					FetchedAt: time.Now()}
				if err := s.SaveActor(ctx, a); err != nil {
					return err
				}
				if _, err := s.Follow(ctx, blog.Follower{VoiceID: o.ilse.ID, ActorID: a.ID, FollowID: a.ID + "#follow",
					State: blog.Accepted, Since: time.Now()}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
