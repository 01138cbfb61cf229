package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// reader asks for pages, and does not follow redirects.
var reader = &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 64},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// fetch requests a page, and returns how long it takes until the last byte is there.
func fetch(ctx context.Context, address string) (time.Duration, error) {
	took, _, err := getPage(ctx, reader, address, asReader)
	return took, err
}

// getPage requests an address as readers or as other servers do. The error also tells of a status from 400 on.
func getPage(ctx context.Context, client *http.Client, address, accept string) (time.Duration, []byte, error) {
	began := time.Now()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Accept", accept)
	answer, err := client.Do(request)
	if err != nil {
		return time.Since(began), nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	took := time.Since(began)
	if err == nil && answer.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("%s answers %s", address, answer.Status)
	}
	return took, body, err
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
