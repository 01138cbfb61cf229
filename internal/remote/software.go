package remote

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"causerie/internal/signature"

	"github.com/go-json-experiment/json"
)

// nodeInfo begins the link relation of a server's NodeInfo. Every version has the same software member.
const nodeInfo = "http://nodeinfo.diaspora.software/ns/schema/"

// maxSoftware limits what is stored of the name of a program, and of its version, in bytes.
const maxSoftware = 40

// Software asks a server by NodeInfo (FEP-f1d5) which program it runs, for people to read: "mastodon 4.5.2". Nothing
// is decided by the answer, which the server may choose freely. The errors are those of [Client.Object];
// ErrNotActivity when the server does not say.
func (c *Client) Software(ctx context.Context, host string) (string, error) {
	within, cancel := context.WithTimeout(ctx, c.options.Lookup)
	defer cancel()
	name := ""
	err := c.tryBothSchemes(func(scheme string) (err error) {
		name, err = c.exchange().software(within, scheme, host)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("ask %s for its software: %w", clean(host, 100), c.translate(ctx, err, c.options.Lookup))
	}
	return name, nil
}

func (e *exchange) software(ctx context.Context, scheme, host string) (string, error) {
	found, err := e.descriptor(ctx, &url.URL{Scheme: scheme, Host: host, Path: "/.well-known/nodeinfo"})
	if err != nil {
		return "", err
	}
	for _, link := range found.Links {
		// The first version that is listed will do: all have the member that is read.
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
		return e.softwareFrom(ctx, at)
	}
	return "", fmt.Errorf("%w: it links to no NodeInfo", ErrNotActivity)
}

// softwareFrom is the program that a NodeInfo document names.
func (e *exchange) softwareFrom(ctx context.Context, at *url.URL) (string, error) {
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
		return "", fmt.Errorf("%w: it does not name its software", ErrNotActivity)
	}
	return strings.TrimSpace(name + " " + clean(info.Software.Version, maxSoftware)), nil
}
