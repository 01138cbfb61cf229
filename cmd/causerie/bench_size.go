package main

import (
	"context"
	"fmt"
)

// measureSize compares the databases of two blogs. Their articles have 1,500 words and a delivery to each of 100
// servers.
func measureSize(ctx context.Context, b *bench) error {
	size := func(articles int) (float64, error) {
		o, err := b.blog(ctx, benchSeed{Articles: articles, Followers: 100, Hosts: 100, Settled: 100 * articles})
		if err != nil {
			return 0, err
		}
		defer o.remove()
		n, err := o.store.Size(ctx)
		return float64(n), err
	}
	few, many := b.size(100, 1000), b.size(500, 5000)
	small, err := size(few)
	if err != nil {
		return err
	}
	large, err := size(many)
	if err != nil {
		return err
	}
	b.add(figure{What: "an article with 100 deliveries", Value: (large - small) / float64(many-few) / 1000, Unit: "KB",
		Most: 57.5, Note: fmt.Sprintf("%d articles against %d", many, few)})
	return nil
}
