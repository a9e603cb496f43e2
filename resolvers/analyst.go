package resolvers

import (
	"example.org/parley/graph"
)

func (r *Resolver) Analyst() graph.AnalystResolver { return &analystResolver{r} }

type analystResolver struct{ *Resolver }
