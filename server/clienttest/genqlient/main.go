// Command genqlient does for process.mjs what is asked in lines of JSON, with parley.go and what genqlient generates.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"github.com/Khan/genqlient/graphql"
)

// variables are those of all documents.
type variables struct {
	First, Last   *int
	After, Before *string
	ID            string
	IDs           []string
	Input         EditScenarioInput
}

func ask(ctx context.Context, c graphql.Client, name string, v variables) (any, error) {
	switch name {
	case "history":
		return documentsHistoryQuery(ctx, c)
	case "change":
		return documentsChangeQuery(ctx, c)
	case "moments":
		return documentsMomentsQuery(ctx, c)
	case "page":
		return documentsPageQuery(ctx, c, v.First, v.After, v.Last, v.Before)
	case "nodes":
		return documentsNodesQuery(ctx, c, v.IDs)
	case "node":
		return documentsNodeQuery(ctx, c, v.ID)
	case "after":
		return documentsAfterQuery(ctx, c, v.After)
	case "edit":
		return documentsEditMutation(ctx, c, v.Input)
	}
	return nil, fmt.Errorf("no document %q", name)
}

func main() {
	var mu sync.Mutex
	tell := func(id int, data any, err error) {
		mu.Lock()
		defer mu.Unlock()
		answer := map[string]any{"id": id, "data": data}
		if err != nil {
			answer["errors"] = err
		}
		if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	url := os.Args[1]
	client := connect(url)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var asked struct {
			ID        int
			Name      string
			Follow    bool
			Variables variables
		}
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			continue
		}
		if !asked.Follow {
			data, err := ask(context.Background(), client, asked.Name, asked.Variables)
			tell(asked.ID, data, err)
			continue
		}
		go func() {
			heard := func(data *ChangesResponse) { tell(asked.ID, data, nil) }
			if err := follow(context.Background(), url, *asked.Variables.After, heard); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}()
	}
}
