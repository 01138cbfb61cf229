package main

import (
	"context"
	"fmt"
	"os/exec"
	"time"

	"causerie/internal/fedtest"
)

// measureProcesses lets one, two and four servers send the deliveries of one PostgreSQL database, and kills one of two.
func measureProcesses(ctx context.Context, b *bench) error {
	if b.database == "" {
		b.say("SQLite has one process: name a PostgreSQL database with --database")
		return nil
	}
	o, err := b.blog(ctx, benchSeed{})
	if err != nil {
		return err
	}
	defer o.remove()
	servers := b.size(300, 2000)
	world, people, err := o.crowd(ctx, servers, servers)
	if err != nil {
		return err
	}
	defer world.Close()
	if err := o.start(ctx); err != nil {
		return err
	}
	processes := []*exec.Cmd{o.process}
	defer func() {
		for _, p := range processes[1:] {
			endProcess(p)
		}
	}()
	var alone float64
	for _, n := range []int{1, 2, 4} {
		for len(processes) < n {
			p, err := o.oneMore(ctx)
			if err != nil {
				return err
			}
			processes = append(processes, p)
		}
		rate, err := o.together(ctx, world, processes, people)
		if err != nil {
			return err
		}
		if n == 1 {
			alone = rate
		}
		b.add(figure{What: fmt.Sprintf("%d processes, of one", n), Value: rate / alone, Least: 0.9,
			Note: fmt.Sprintf("%.0f deliveries a second", rate)})
	}
	return o.killOne(ctx, world, processes, servers)
}

// oneMore starts another server of this blog at an address of its own.
func (o *benchBlog) oneMore(ctx context.Context) (*exec.Cmd, error) {
	address, err := fedtest.FreeAddress()
	if err != nil {
		return nil, err
	}
	return o.another(ctx, address)
}

// together sends articles to all servers, and returns the rate of the deliveries. Each must come once.
func (o *benchBlog) together(ctx context.Context, world *fedtest.World, processes []*exec.Cmd,
	people []*fedtest.Person) (float64, error) {
	servers := len(people) // one on each
	var rates []float64
	before := 0.0
	for i := range 4 {
		if i == 1 { // the first warms up
			before = cpuOf(processes)
		}
		_, took, err := o.spread(ctx, world, servers, fmt.Sprintf("Crossing %d with %d processes", i, len(processes)))
		if err != nil {
			return 0, err
		}
		if i > 0 {
			rates = append(rates, float64(servers)/took.Seconds())
		}
	}
	sleep(ctx, time.Second) // what comes twice comes late
	o.b.add(figure{What: fmt.Sprintf("deliveries that came twice, %d processes", len(processes)),
		Value: float64(repeated(people)), Zero: true, CPU: cpuOf(processes) - before})
	return quantile(rates, 0.5), nil
}

func cpuOf(processes []*exec.Cmd) (sum float64) {
	for _, p := range processes {
		sum += cpu(p)
	}
	return sum
}

// repeated counts the deliveries that a server got before.
func repeated(people []*fedtest.Person) (n int) {
	for _, p := range people {
		seen := map[string]bool{}
		for _, d := range p.Server.Deliveries() {
			id, _ := d.JSON()["id"].(string)
			if seen[id] {
				n++
			}
			seen[id] = true
		}
	}
	return n
}

// killOne kills a process in the middle of a fan-out, and measures until the others have sent all that it held.
func (o *benchBlog) killOne(ctx context.Context, world *fedtest.World, processes []*exec.Cmd, servers int) error {
	a, err := o.publish(ctx, "An article that a process does not finish")
	if err != nil {
		return err
	}
	limit, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	about := fedtest.About("Create", o.site.ArticleID(a.ObjectID))
	if err := world.WaitForCount(limit, servers/4, about); err != nil {
		return err
	}
	victim := processes[len(processes)-1]
	if err := victim.Process.Kill(); err != nil {
		return err
	}
	began := time.Now()
	if err := world.WaitForCount(limit, servers, about); err != nil {
		return fmt.Errorf("after a kill, %d servers should have the article: %w", servers, err)
	}
	o.b.add(figure{What: "until a killed process's servers are free", Value: time.Since(began).Seconds(), Unit: "s",
		Most: 5 + float64(servers)/200, Note: "with the rest of the fan-out"})
	return nil
}
