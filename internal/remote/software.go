package remote

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"causerie/internal/signature"

	"github.com/go-json-experiment/json"
)

// nodeInfo is how the relation of a link to a server's NodeInfo begins. Every version has the same software in it.
const nodeInfo = "http://nodeinfo.diaspora.software/ns/schema/"

// maxSoftware is how much is kept of the name of a program, and of its version, in bytes.
const maxSoftware = 40

// Software asks a server what it runs, by NodeInfo (FEP-f1d5): "mastodon 4.5.2", name and version as it calls itself,
// for people to read and nothing to be concluded from. The errors are those of [Client.Object]; ErrNotActivity where it
// does not say.
func (c *Client) Software(ctx context.Context, host string) (string, error) {
	within, cancel := context.WithTimeout(ctx, c.options.Lookup)
	defer cancel()
	name := ""
	err := c.tryBothSchemes(func(scheme string) (err error) {
		name, err = c.exchange().software(within, scheme, host)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("ask %s what it runs: %w", clean(host, 100), c.translate(ctx, err, c.options.Lookup))
	}
	return name, nil
}

func (e *exchange) software(ctx context.Context, scheme, host string) (string, error) {
	found, err := e.descriptor(ctx, &url.URL{Scheme: scheme, Host: host, Path: "/.well-known/nodeinfo"})
	if err != nil {
		return "", err
	}
	for _, link := range found.Links {
		if !strings.HasPrefix(link.Rel, nodeInfo) {
			continue
		}
		at, err := e.guard.parse(link.Href)
		if err != nil {
			return "", fmt.Errorf("its link to NodeInfo: %w", err)
		}
		if err := e.hop(); err != nil {
			return "", err
		}
		return e.calledItself(ctx, at)
	}
	return "", fmt.Errorf("%w: it links to no NodeInfo", ErrNotActivity)
}

// calledItself is the program that a NodeInfo document names.
func (e *exchange) calledItself(ctx context.Context, at *url.URL) (string, error) {
	resp, _, err := e.get(ctx, at, "application/json", signature.Key{})
	if err != nil {
		return "", err
	}
	body, err := e.read(resp)
	if err != nil {
		return "", err
	}
	var info struct {
		Software struct {
			Name    string `json:"name"`
			Version string `json:"version"`
		} `json:"software"`
	}
	if err := json.Unmarshal(body, &info); err != nil {
		return "", fmt.Errorf("%w: %s", ErrNotActivity, clean(err.Error(), 200))
	}
	name := clean(info.Software.Name, maxSoftware)
	if name == "" {
		return "", fmt.Errorf("%w: it does not say what it runs", ErrNotActivity)
	}
	return strings.TrimSpace(name + " " + clean(info.Software.Version, maxSoftware)), nil
}
