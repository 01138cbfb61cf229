package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/fedtest"
	"causerie/internal/store"
)

// benchBlog is a blog in a database of its own. Its server is a process of its own; the bench looks at the database
// beside it, as commands do.
type benchBlog struct {
	*app
	b       *bench
	drop    func() error
	log     string // file with what the server logs
	level   string // of that log
	process *exec.Cmd
	ilse    blog.Voice
}

// blog makes a blog. Its server does not run yet.
func (b *bench) blog(ctx context.Context, seed benchSeed) (*benchBlog, error) {
	b.blogs++
	name := fmt.Sprintf("causerie_bench_%d_%d", os.Getpid(), b.blogs)
	database, drop, err := store.Scratch(ctx, b.database, b.folder, name)
	if err != nil {
		return nil, err
	}
	address, err := fedtest.FreeAddress()
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(b.folder, name)
	config := Config{TLS: "off", URL: "http://" + address, Listen: address, Data: folder, Database: database,
		Timezone: "UTC", Language: "en", Federation: "open",
		FederationAllow: prefixes{netip.MustParsePrefix("127.0.0.0/8")}, Log: "text,error"}
	if err := config.complete(nil); err != nil { // nil: the environment is for other blogs
		return nil, err
	}
	blog := &benchBlog{b: b, drop: drop, log: filepath.Join(b.folder, name+".log"), level: "error"}
	if blog.app, err = openApp(ctx, config, slog.New(slog.DiscardHandler), mayMigrate); err != nil {
		return nil, err
	}
	seed.Seed, seed.Articles, seed.Hosts = b.Rand, max(seed.Articles, benchSamples), max(seed.Hosts, 1)
	shown := time.Now()
	if _, err = seed.fill(ctx, blog.app, func(done, all int) {
		if time.Since(shown) > 10*time.Second {
			shown = time.Now()
			b.say("%d of %d rows are made", done, all)
		}
	}); err != nil {
		return nil, err
	}
	blog.ilse, err = blog.store.VoiceByHandle(ctx, benchAuthors[0].Handle)
	return blog, err
}

// self is a command of this program, without settings from the environment.
func self(args ...string) (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, args...)
	for _, entry := range environment() {
		if !strings.HasPrefix(entry, envPrefix) {
			cmd.Env = append(cmd.Env, entry)
		}
	}
	return cmd, nil
}

// settings are the flags with which a command finds this blog.
func (o *benchBlog) settings() []string {
	return []string{"--database", o.config.Database, "--data", o.config.Data, "--federation-allow", "127.0.0.0/8", "--log",
		"text," + o.level}
}

// start runs the server and waits until it can serve.
func (o *benchBlog) start(ctx context.Context) (err error) {
	o.process, err = o.another(ctx, o.config.Listen)
	return err
}

// another runs a server of this blog that listens at an address.
func (o *benchBlog) another(ctx context.Context, address string) (*exec.Cmd, error) {
	cmd, err := self(append([]string{"serve", "--url", o.site.URL, "--listen", address}, o.settings()...)...)
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(o.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return cmd, waitReady(ctx, "http://"+address)
}

func waitReady(ctx context.Context, url string) error {
	client := &http.Client{Timeout: time.Second}
	for range 3000 {
		answer, err := client.Get(url + "/readyz")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		if !sleep(ctx, 10*time.Millisecond) {
			return ctx.Err()
		}
	}
	return fmt.Errorf("the server at %s was not ready after 30 s", url)
}

// sleep waits, and reports false if the context ends before.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// stop ends the server.
func (o *benchBlog) stop() {
	if o.process != nil {
		endProcess(o.process)
		o.process = nil
	}
}

// endProcess ends a server, by force if it takes longer than it promises.
func endProcess(cmd *exec.Cmd) {
	cmd.Process.Signal(syscall.SIGTERM)
	late := time.AfterFunc(15*time.Second, func() { cmd.Process.Kill() })
	defer late.Stop()
	cmd.Wait() // its exit code says nothing that is measured
}

// remove ends the server and deletes the blog.
func (o *benchBlog) remove() {
	o.stop()
	o.app.close()
	if err := errors.Join(o.drop(), os.RemoveAll(o.config.Data)); err != nil {
		o.b.say("a blog was not deleted: %v", err)
	}
}

// cpu returns the seconds of processor time that a process has used, from /proc (Linux); 0 where that is missing.
func cpu(cmd *exec.Cmd) float64 { return cpuByID(cmd.Process.Pid) }

// ownCPU is cpu for this process.
func ownCPU() float64 { return cpuByID(os.Getpid()) }

func cpuByID(pid int) float64 {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	// The name of the program stands in parentheses and may contain anything.
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return float64(user+system) / 100 // the kernel counts in hundredths here, whatever its own clock
}

// memory returns a number of /proc/PID/status in megabytes: VmRSS for what the process holds, VmHWM for the most that
// it held.
func memory(cmd *exec.Cmd, which string) float64 {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), which+":")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kilobytes, _ := strconv.Atoi(fields[0])
	return float64(kilobytes) / 1000
}

// crowd makes servers with people on them who follow Ilse.
func (o *benchBlog) crowd(ctx context.Context, servers, people int) (*fedtest.World, []*fedtest.Person, error) {
	world := fedtest.New(fedtest.Config{KeyPool: 8, SharedCache: true})
	list, err := world.AddServers(servers, fedtest.Mastodon)
	if err != nil {
		world.Close()
		return nil, nil, err
	}
	crowd := make([]*fedtest.Person, people)
	for first := 0; first < people; first += 500 {
		err = o.store.InTx(ctx, func(s *store.Store) error {
			for i := first; i < min(first+500, people); i++ {
				crowd[i] = list[i%servers].Person("reader" + strconv.Itoa(i/servers))
				if err := o.join(ctx, s, crowd[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			world.Close()
			return nil, nil, err
		}
	}
	return world, crowd, nil
}

// join saves a person with their key, as a follower of Ilse.
func (o *benchBlog) join(ctx context.Context, s *store.Store, p *fedtest.Person) error {
	now := time.Now()
	a := blog.Actor{ID: p.ID, Type: "Person", Handle: p.Handle(), Name: "Reader", URL: p.URL(), Host: p.Server.Host,
		Inbox: p.Inbox(), SharedInbox: p.Server.URL + "/inbox", FetchedAt: now,
		Keys: []blog.ActorKey{{ActorID: p.ID, KeyID: p.KeyID(), PEM: p.PublicPEM()}}}
	if err := s.SaveActor(ctx, a); err != nil {
		return err
	}
	_, err := s.Follow(ctx, blog.Follower{VoiceID: o.ilse.ID, ActorID: p.ID, FollowID: p.ID + "#follow",
		State: blog.Accepted, Since: now})
	return err
}

// publish publishes an article of Ilse's in this process, beside the server. It returns after the commit.
func (o *benchBlog) publish(ctx context.Context, title string) (blog.Article, error) {
	author, err := o.store.Author(ctx, o.ilse.ID)
	if err != nil {
		return blog.Article{}, err
	}
	service := o.authoring()
	a := service.New(author, blog.NewID(now()), "en")
	a.Title, a.Markdown, a.Tags = title, "The ferry comes when you ring the bell.", []string{"rivers"}
	if err := service.Ready(ctx, &a); err != nil {
		return a, plain(err)
	}
	if err := service.SaveDraft(ctx, &a, author.Handle); err != nil {
		return a, plain(err)
	}
	return service.Release(ctx, a.ID, outbox.PublishOptions{})
}
