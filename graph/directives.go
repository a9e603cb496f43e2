package graph

// Answers are never deferred, so clients see no directive for it.
func init() { delete(parsedSchema.Directives, "defer") }
