package storage

import "example.org/parley/storage/rows"

// by is an expression of an order, with its type in SQL.
func by(expression, sqlType string) rows.OrderColumn {
	return rows.OrderColumn{Expression: expression, Type: sqlType}
}

// byEnum is by for an enum, with its words.
func byEnum[E ~string](expression, sqlType string, words []E) rows.OrderColumn {
	column := by(expression, sqlType)
	for _, word := range words {
		column.Words = append(column.Words, string(word))
	}
	return column
}
