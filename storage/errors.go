package storage

import (
	"errors"
	"fmt"
	"strings"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"example.org/parley"
	"example.org/parley/storage/exchange"
	"example.org/parley/storage/rows"
)

// refusals are the sentences for constraints, by name: the database has the last word on what may be recorded. A
// message may name the offending values with %s.
var refusals = map[string]struct {
	code    parley.UserErrorCode
	field   string
	message string
}{
	"records_path_key": {parley.Taken, "key",
		"The key %s is in use, or was by a stakeholder that was merged into another one; choose another."},
	"client_ids_pkey": {parley.IDReused, "id", "The id %s names something else; choose another."},
	"records_pkey":    {parley.IDReused, "id", "The id %s names something else; choose another."},

	"one_status_at_any_instant": {parley.Conflict, "effectiveAt",
		"Another status holds at that instant; read the status history again and decide anew."},
	"one_plain_position_at_any_instant": {parley.Conflict, "validFrom",
		"Another position of the holder holds at that instant; read the positions again and decide anew."},
	"one_status_at_an_ordinal": {parley.Conflict, "ordinal",
		"Another status has that ordinal at that instant; read the status history again and decide anew."},
	"one_plain_position_at_an_ordinal": {parley.Conflict, "ordinal",
		"Another position of the holder has that ordinal at that instant; read the positions again and decide anew."},
	"status_ordinal_within_a_day": {parley.Invalid, "ordinal",
		"An ordinal from 1 to 99 is a place within a day; give effectiveAtPrecision DAY, or ordinal 0."},
	"position_ordinal_within_a_day": {parley.Invalid, "ordinal",
		"An ordinal from 1 to 99 is a place within a day; give validFromPrecision DAY, or ordinal 0."},
	"one_office_at_a_time": {parley.Conflict, "validFrom",
		"The person holds this office with the organization at some of that time already; end that affiliation " +
			"first, or give another time."},
	"one_membership_at_a_time": {parley.Conflict, "validFrom",
		"The stakeholder belongs to the group at some of that time already; end that membership first, or give " +
			"another time."},
	"one_role_at_a_time": {parley.Conflict, "role",
		"The stakeholder has this role in the negotiation at some of that time already; end that participation " +
			"first, or give another time."},
	"one_claim_of_a_kind": {parley.Conflict, "kind",
		"The same relation between the two scenarios is on record already, claimed by the same party; add evidence " +
			"to that one."},

	"one_assessment_at_an_instant": {parley.Conflict, "assessedAt",
		"You have assessed the scenario at that instant already; retract that first, or give another instant."},

	"no_group_is_a_person": {parley.Invalid, "group",
		"A group can't be a person; name a stakeholder of another kind than PERSON."},
	"nobody_belongs_to_itself": {parley.Invalid, "group",
		"By this membership in %s, %s would belong to itself at some instant; name another group, or give another " +
			"time."},

	"occurred_by_the_deadline": {parley.Invalid, "outcome",
		"A scenario can't occur after its deadline; resolve it as DID_NOT_OCCUR, or give another deadline."},
	"translation_has_a_maker": {parley.Invalid, "translatedBy",
		"A translation needs to say who made it, and translatedBy needs a translation; give both, or neither."},
	"held_by_now": {parley.Invalid, "startedAt",
		"An event can't have been held in the future; give an instant up to now, or the state PLANNED."},

	"relation_joins_two": {parley.Invalid, "to", "A scenario bears no relation to itself; name two different ones."},
	"superseded_has_a_successor": {parley.Invalid, "successors",
		"The status SUPERSEDED needs a successor, and no other status takes one."},
	"successor_is_another": {parley.Invalid, "successors",
		"A scenario can't take its own place; name another one as the successor."},

	"one_token_of_a_name": {parley.Taken, "name", "There is a token %s already; revoke it first, or choose another name."},

	"one_open_status_change": {parley.Conflict, "",
		"The status change was corrected by someone else meanwhile; read it again and decide anew."},
	"one_open_position": {parley.Conflict, "",
		"The position was corrected by someone else meanwhile; read it again and decide anew."},
}

// explain turns an error of the database into a refusal where a constraint of ours made it.
func explain(err error) error {
	if errors.Is(err, errMoved) {
		return parley.Refuse(parley.Conflict, "",
			"Others keep changing the same records; read them again and decide anew.")
	}
	if errors.Is(err, errInDoubt) {
		return fmt.Errorf("%w (%w)", parley.NewFault(parley.Unavailable,
			"The database was lost while it recorded this, and whether it is on record is not known; read it again "+
				"before you send it again."), err)
	}
	if fault := rows.Unavailable(err, ", so nothing was recorded"); fault != nil {
		return fault
	}
	if errors.Is(err, errCutOff) {
		return parley.NewFault(parley.Limit,
			"Recording this takes too long while other writers wait, so nothing was recorded; send it again in a "+
				"while, or in smaller parts.")
	}
	pgErr := violation(err)
	if pgErr == nil {
		return err
	}
	r, ok := refusals[pgErr.Constraint]
	if !ok {
		return err
	}
	message := r.message
	if strings.Contains(message, "%s") {
		message = fmt.Sprintf(message, exchange.OffendingValues(pgErr.Detail)...)
	}
	return parley.Refuse(r.code, r.field, "%s", message)
}

// violation is the error of a constraint; nil: it is another error, or none.
func violation(err error) *pq.Error {
	return pq.As(err, pqerror.UniqueViolation, pqerror.ExclusionViolation, pqerror.CheckViolation)
}
