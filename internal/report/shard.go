package report

import (
	"encoding/json"
	"errors"
)

// Shard says that a report is of one part of a run, and carries what the whole is
// made of.
type Shard struct {
	// Index is the part's number, from 1; Of is how many parts there are.
	Index, Of int
	// Given is what the part gave, as only the same version of scantling reads it.
	Given []byte
}

type jsonShard struct {
	Index int    `json:"index"`
	Of    int    `json:"of"`
	Given []byte `json:"given"`
}

// ReadShard reads the part out of a JSON report. It fails on what is no report of a
// part.
func ReadShard(data []byte) (*Shard, error) {
	var r struct {
		Version int        `json:"version"`
		Shard   *jsonShard `json:"shard"`
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, errors.New("is no JSON report of scantling")
	}
	if r.Version != 1 || r.Shard == nil || r.Shard.Index < 1 || r.Shard.Index > r.Shard.Of {
		return nil, errors.New("is not the report of a part: make it with scantling lint --shard I/N --report json=FILE")
	}
	return &Shard{r.Shard.Index, r.Shard.Of, r.Shard.Given}, nil
}
