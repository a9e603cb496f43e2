// Package rows reads rows of PostgreSQL at the speed of a hand-written statement, and knows no noun.
//
// A [Table] says which [Column] of a row goes where in a Go value, and which fields of the API need it. The columns get
// and set, so that reads and inserts derive from the same list. A [Query] asks for what belongs to a set of [Key]s,
// each seen through a lens, in one SQL statement; [Find], [Each] and [Pages] are the shapes of answers. Its text is
// written with macros in braces, which [Query.Expand] describes.
//
// A [Snapshot] is what one operation reads: one instant of the record, found by its first statement, and an identity
// cache, so that a record that was read once is not read again. A [Reader] of a transaction reads what stands at
// present.
//
// Reads run on connections of their own, see [Pool]. Why they go past database/sql is in docs/adr/0006.
package rows
