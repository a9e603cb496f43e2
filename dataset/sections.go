package dataset

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"example.org/parley"
	"example.org/parley/storage"
)

// read reads the sections of a data set. Records come before the facts that refer to them, whatever the file's order.
func (s *Set) read(root *item) {
	s.recordedAt = instant(root, "recordedAt").Value
	for _, it := range root.items("stakeholders", "stakeholder") {
		s.stakeholder(it)
	}
	for _, it := range root.items("affiliations", "affiliation") {
		s.affiliation(it)
	}
	for _, it := range root.items("memberships", "membership") {
		s.membership(it)
	}
	for _, it := range root.items("sources", "source") {
		s.source(it)
	}
	var later []func()
	for _, it := range root.items("negotiations", "negotiation") {
		later = append(later, s.negotiation(it)...)
	}
	for _, it := range root.items("statements", "statement") {
		s.statement(it)
	}
	for _, read := range later {
		read()
	}
	root.done()
}

func (s *Set) add(it *item, run func(context.Context, *importer) error) {
	it.done()
	s.steps = append(s.steps, step{item: it, run: run})
}

func (s *Set) stakeholder(it *item) {
	key, name, kind := needed(it, "key"), text(it, "name"), word(it, "kind", parley.StakeholderKinds)
	aliases, countryCode := texts(it, "aliases"), text(it, "countryCode")
	id := s.once(it, s.factID(parley.KindStakeholder, key), keepOne)
	s.add(it, func(ctx context.Context, in *importer) error {
		return in.keyed(ctx, id, key, func() (storage.Written, error) {
			return in.RegisterStakeholder(ctx, parley.RegisterStakeholderInput{
				Key: key, Name: or(name, ""), Kind: or(kind, ""), Aliases: or(aliases, nil),
				CountryCode: countryCode.Value,
			})
		}, func() (storage.Written, error) {
			return in.EditStakeholder(ctx, parley.EditStakeholder{
				Stakeholder: key, Name: name, Kind: kind, Aliases: aliases, CountryCode: countryCode,
			})
		})
	})
}

func (s *Set) affiliation(it *item) {
	person, organization := needed(it, "person"), needed(it, "organization")
	office, speaksFor := text(it, "office"), boolean(it, "speaksFor")
	validFrom, validTo, note := instant(it, "validFrom"), instant(it, "validTo"), correctionNote(it)
	id := s.once(it, s.keyOr(it, parley.KindAffiliation, person, organization, or(office, "")), giveKey)
	s.add(it, func(ctx context.Context, in *importer) error {
		return in.derived(ctx, id, nil, func(id *string, _ []string) (storage.Written, error) {
			return in.Affiliate(ctx, parley.AffiliateInput{
				ID: id, Person: person, Organization: organization, Office: office.Value,
				SpeaksFor: or(speaksFor, false),
				ValidFrom: validFrom.Value, ValidTo: validTo.Value,
			})
		}, func(ref string) (storage.Written, error) {
			was, err := in.Affiliation(ctx, uuid.MustParse(ref))
			if err != nil {
				return storage.Written{}, err
			}
			correction := parley.CorrectAffiliation{
				Affiliation: ref, Person: parley.To(person), Organization: parley.To(organization), Office: office,
				SpeaksFor: speaksFor, ValidFrom: validFrom, ValidTo: validTo, Note: note,
			}
			if was.OnlyEndsBy(correction) {
				end := parley.EndAffiliationInput{Affiliation: ref, ValidTo: validTo.Value}
				if err := in.did(in.EndAffiliation(ctx, end)); err != nil {
					return storage.Written{}, err
				}
			}
			return in.CorrectAffiliation(ctx, correction)
		})
	})
}

func (s *Set) membership(it *item) {
	member, group := needed(it, "member"), needed(it, "group")
	speaksForMembers, note := boolean(it, "speaksForMembers"), correctionNote(it)
	validFrom, validTo := instant(it, "validFrom"), instant(it, "validTo")
	id := s.once(it, s.keyOr(it, parley.KindMembership, member, group), giveKey)
	s.add(it, func(ctx context.Context, in *importer) error {
		return in.derived(ctx, id, nil, func(id *string, _ []string) (storage.Written, error) {
			return in.AddMembership(ctx, parley.AddMembershipInput{
				ID: id, Member: member, Group: group, SpeaksForMembers: or(speaksForMembers, false),
				ValidFrom: validFrom.Value, ValidTo: validTo.Value,
			})
		}, func(ref string) (storage.Written, error) {
			was, err := in.Membership(ctx, uuid.MustParse(ref))
			if err != nil {
				return storage.Written{}, err
			}
			correction := parley.CorrectMembership{
				Membership: ref, Member: parley.To(member), Group: parley.To(group),
				SpeaksForMembers: speaksForMembers, ValidFrom: validFrom, ValidTo: validTo, Note: note,
			}
			if was.OnlyEndsBy(correction) {
				end := parley.EndMembershipInput{Membership: ref, ValidTo: validTo.Value}
				if err := in.did(in.EndMembership(ctx, end)); err != nil {
					return storage.Written{}, err
				}
			}
			return in.CorrectMembership(ctx, correction)
		})
	})
}

// keyOr derives the id of a fact from its key in the set. Without a key, it derives the id from what the fact says.
func (s *Set) keyOr(it *item, kind parley.Kind, says ...string) uuid.UUID {
	if key := text(it, "key"); key.Value != nil {
		return s.factID(kind, *key.Value)
	}
	return s.factID(kind, says...)
}

func (s *Set) source(it *item) {
	key, title, url := needed(it, "key"), text(it, "title"), text(it, "url")
	publisher, author := text(it, "publisher"), text(it, "author")
	publishedAt, retrievedAt, language := instant(it, "publishedAt"), instant(it, "retrievedAt"), text(it, "language")
	reliability, marking := word(it, "reliability", parley.SourceReliabilities), word(it, "marking", parley.Markings)
	body := text(it, "body")
	id := s.once(it, s.factID(parley.KindSource, key), keepOne)
	s.add(it, func(ctx context.Context, in *importer) error {
		return in.keyed(ctx, id, key, func() (storage.Written, error) {
			return in.RegisterSource(ctx, parley.RegisterSourceInput{
				Key: key, Title: or(title, ""), Publisher: publisher.Value, Author: author.Value, URL: url.Value,
				PublishedAt: publishedAt.Value, RetrievedAt: retrievedAt.Value, Language: language.Value,
				Reliability: or(reliability, "F"), Marking: or(marking, "TLP_CLEAR"), Body: body.Value,
			})
		}, func() (storage.Written, error) {
			return in.EditSource(ctx, parley.EditSource{
				Source: key, Title: title, Publisher: publisher, Author: author, URL: url, PublishedAt: publishedAt,
				RetrievedAt: retrievedAt, Language: language, Reliability: reliability, Marking: marking,
				Body: body,
			})
		})
	})
}

func (s *Set) statement(it *item) {
	key, source := needed(it, "key"), needed(it, "source")
	speaker, speakers := text(it, "speaker"), texts(it, "speakers")
	description, about := text(it, "speakerDescription"), texts(it, "about")
	words, form := text(it, "text"), word(it, "form", parley.StatementForms)
	translation, translatedBy := text(it, "translation"), text(it, "translatedBy")
	terms := word(it, "terms", parley.AllAttributionTerms)
	credibility := word(it, "credibility", parley.InformationCredibilities)
	saidAt, precision := instant(it, "saidAt"), word(it, "saidAtPrecision", parley.TimePrecisions)
	note := correctionNote(it)
	id := s.once(it, s.factID(parley.KindStatement, key), keepOne)
	s.add(it, func(ctx context.Context, in *importer) error {
		return in.derived(ctx, id, nil, func(id *string, _ []string) (storage.Written, error) {
			return in.RecordStatement(ctx, parley.RecordStatementInput{Statement: parley.NewStatementInput{
				ID: id, Source: source, Speaker: speaker.Value, Speakers: or(speakers, nil),
				SpeakerDescription: description.Value,
				About:              or(about, nil), Text: or(words, ""), Translation: translation.Value,
				TranslatedBy: translatedBy.Value, Form: or(form, ""), Terms: or(terms, parley.OnRecord),
				Credibility: or(credibility, "C6"),
				SaidAt:      saidAt.Value, SaidAtPrecision: or(precision, parley.PrecisionInstant),
			}})
		}, func(ref string) (storage.Written, error) {
			return in.CorrectStatement(ctx, parley.CorrectStatement{
				Statement: ref, Speaker: speaker, Speakers: speakers, SpeakerDescription: description, About: about,
				Text: words, Translation: translation, TranslatedBy: translatedBy, Form: form, Terms: terms,
				Credibility: credibility, SaidAt: saidAt, SaidAtPrecision: precision, Note: note,
			})
		})
	})
}

// changed is the correction note where the file gives none.
const changed = "A later version of the data set says otherwise."

// correctionNote returns the note for a correction that a changed file makes.
func correctionNote(it *item) string {
	return or(text(it, "note"), changed)
}

// negotiation reads a negotiation and what belongs to it. Facts with evidence are read later, after the statements.
func (s *Set) negotiation(it *item) (later []func()) {
	key, title, summary := needed(it, "key"), text(it, "title"), text(it, "summary")
	stage := word(it, "stage", parley.NegotiationStages)
	startedAt, endedAt := instant(it, "startedAt"), instant(it, "endedAt")
	issues, events := it.items("issues", "issue"), it.items("events", "event")
	participations, relations := it.items("participations", "participation"), it.items("relations", "relation")
	id := s.once(it, s.factID(parley.KindNegotiation, key), keepOne)
	s.add(it, func(ctx context.Context, in *importer) error {
		return in.keyed(ctx, id, key, func() (storage.Written, error) {
			return in.OpenNegotiation(ctx, parley.OpenNegotiationInput{
				Key: key, Title: or(title, ""), Summary: summary.Value, Stage: stage.Value, StartedAt: startedAt.Value,
				EndedAt: endedAt.Value,
			})
		}, func() (storage.Written, error) {
			return in.EditNegotiation(ctx, parley.EditNegotiation{
				Negotiation: key, Title: title, Summary: summary, Stage: stage, StartedAt: startedAt, EndedAt: endedAt,
			})
		})
	})
	for _, issue := range issues {
		later = append(later, s.issue(key, issue)...)
	}
	for _, event := range events {
		later = append(later, s.event(key, event))
	}
	for _, participation := range participations {
		s.participation(key, participation)
	}
	for _, relation := range relations {
		later = append(later, func() { s.relation(key, relation) })
	}
	return later
}

func (s *Set) issue(negotiation string, it *item) (later []func()) {
	key, title, question := needed(it, "key"), text(it, "title"), text(it, "question")
	kind, exhaustive := word(it, "kind", parley.IssueKinds), boolean(it, "exhaustive")
	scenarios := it.items("scenarios", "scenario")
	path := within(negotiation, key)
	id := s.once(it, s.factID(parley.KindIssue, path), keepOne)
	s.add(it, func(ctx context.Context, in *importer) error {
		return in.keyed(ctx, id, path, func() (storage.Written, error) {
			return in.AddIssue(ctx, parley.AddIssueInput{
				Negotiation: negotiation, Key: key, Title: or(title, ""), Question: question.Value,
				Kind: or(kind, "OTHER"), Exhaustive: or(exhaustive, false),
			})
		}, func() (storage.Written, error) {
			return in.EditIssue(ctx,
				parley.EditIssue{Issue: path, Title: title, Question: question, Kind: kind, Exhaustive: exhaustive})
		})
	})
	for _, scenario := range scenarios {
		later = append(later, s.scenario(negotiation, path, scenario)...)
	}
	return later
}

func (s *Set) event(negotiation string, it *item) (later func()) {
	key, title, location := needed(it, "key"), text(it, "title"), text(it, "location")
	kind, state := word(it, "kind", parley.EventKinds), word(it, "state", parley.EventStates)
	startedAt, precision := instant(it, "startedAt"), word(it, "startedAtPrecision", parley.TimePrecisions)
	endedAt := instant(it, "endedAt")
	participants, evidence := texts(it, "participants"), or(texts(it, "evidence"), nil)
	lacking(it, "startedAt")
	path := within(negotiation, key)
	id := s.once(it, s.factID(parley.KindEvent, path), keepOne)
	s.add(it, func(ctx context.Context, in *importer) error {
		return in.keyed(ctx, id, path, func() (storage.Written, error) {
			return in.RecordEvent(ctx, parley.RecordEventInput{
				Negotiation: negotiation, Key: key, Kind: or(kind, ""), State: or(state, "HELD"), Title: or(title, ""),
				Location: location.Value, StartedAt: *startedAt.Value,
				StartedAtPrecision: or(precision, parley.PrecisionInstant),
				EndedAt:            endedAt.Value, Participants: or(participants, nil),
			})
		}, func() (storage.Written, error) {
			return in.EditEvent(ctx, parley.EditEvent{
				Event: path, Kind: kind, State: state, Title: title, Location: location, StartedAt: startedAt,
				StartedAtPrecision: precision, EndedAt: endedAt, Participants: participants,
			})
		})
	})
	return func() {
		if len(evidence) > 0 {
			s.steps = append(s.steps, step{it, func(ctx context.Context, in *importer) error {
				if named, _, err := in.Named(ctx, id); err != nil || named.Retracted {
					return err
				}
				refs, err := in.refs(ctx, parley.KindStatement, "evidence", evidence)
				if err != nil {
					return err
				}
				return in.addEvidence(ctx, path, refs)
			}})
		}
	}
}

func (s *Set) participation(negotiation string, it *item) {
	stakeholder, role := needed(it, "stakeholder"), word(it, "role", parley.ParticipationRoles)
	vetoPlayer, vetoIssues, capability := boolean(it, "vetoPlayer"), texts(it, "vetoIssues"), number(it, "capability")
	validFrom, validTo := instant(it, "validFrom"), instant(it, "validTo")
	lacking(it, "role")
	if vetoIssues.Value != nil {
		vetoIssues = parley.To(allWithin(negotiation, *vetoIssues.Value))
	}
	id := s.once(it, s.keyOr(it, parley.KindParticipation, negotiation, stakeholder, string(or(role, ""))), giveKey)
	s.add(it, func(ctx context.Context, in *importer) error {
		return in.derived(ctx, id, nil, func(id *string, _ []string) (storage.Written, error) {
			return in.JoinNegotiation(ctx, parley.JoinNegotiationInput{
				ID: id, Negotiation: negotiation, Stakeholder: stakeholder, Role: *role.Value,
				VetoPlayer: or(vetoPlayer, false), VetoIssues: or(vetoIssues, nil), Capability: capability.Value,
				ValidFrom: validFrom.Value, ValidTo: validTo.Value,
			})
		}, func(ref string) (storage.Written, error) {
			return in.EditParticipation(ctx, parley.EditParticipation{
				Participation: ref, VetoPlayer: vetoPlayer, VetoIssues: vetoIssues, Capability: capability,
				ValidFrom: validFrom, ValidTo: validTo,
			})
		})
	})
}

func (s *Set) relation(negotiation string, it *item) {
	kind, from, to := word(it, "kind", parley.ScenarioRelationKinds), needed(it, "from"), needed(it, "to")
	claimedBy, comment, evidence := text(it, "claimedBy"), text(it, "comment"), or(texts(it, "evidence"), nil)
	lacking(it, "kind")
	id := s.once(it, s.factID(parley.KindRelation, string(or(kind, "")), within(negotiation, from),
		within(negotiation, to), or(claimedBy, "")), "keep one")
	s.add(it, func(ctx context.Context, in *importer) error {
		return in.derived(ctx, id, evidence, func(id *string, refs []string) (storage.Written, error) {
			return in.RelateScenarios(ctx, parley.RelateScenariosInput{
				ID: id, From: within(negotiation, from), To: within(negotiation, to), Kind: *kind.Value,
				ClaimedBy: claimedBy.Value, Note: comment.Value, Evidence: refs,
			})
		}, nothing)
	})
}

// scenario reads a scenario with its first status. Its other statuses and its positions are read later.
func (s *Set) scenario(negotiation, issue string, it *item) (later []func()) {
	key, title, summary, criteria := needed(it, "key"), text(it, "title"), text(it, "summary"), text(it, "criteria")
	deadline, targetStage := instant(it, "deadline"), word(it, "targetStage", parley.NegotiationStages)
	var statuses []status
	for _, st := range it.items("statuses", "status") {
		statuses = append(statuses, readStatus(negotiation, st))
	}
	positions, assessments := it.items("positions", "position"), it.items("assessments", "assessment")
	outcome := word(it, "outcome", parley.ResolutionOutcomes)
	resolvedAt, resolutionNote := instant(it, "resolvedAt"), text(it, "resolutionNote")
	path := within(negotiation, key)
	id := s.once(it, s.factID(parley.KindScenario, path), keepOne)
	s.add(it, func(ctx context.Context, in *importer) error {
		return in.keyed(ctx, id, path, func() (storage.Written, error) {
			if len(statuses) == 0 {
				return storage.Written{}, parley.Refuse(parley.Invalid, "statuses",
					"A new scenario needs at least one status; give statuses with to and effectiveAt.")
			}
			first := statuses[0]
			written, err := in.AddScenario(ctx, parley.AddScenarioInput{
				Issue: issue, Key: key, Title: or(title, ""), Summary: summary.Value, Criteria: criteria.Value,
				Deadline: deadline.Value, TargetStage: targetStage.Value, InitialStatus: or(first.to, ""),
				EffectiveAt:          first.effectiveAt.Value,
				EffectiveAtPrecision: or(first.precision, parley.PrecisionInstant), Ordinal: or(first.ordinal, 0),
				By: or(first.by, nil), Reason: first.reason.Value,
			})
			if err != nil {
				return written, err
			}
			// Evidence may be about the scenario, so it is added after the scenario exists.
			return written, in.nameFirstStatus(ctx, s.factID(parley.KindStatusChange, path, first.key), written.ID)
		}, func() (storage.Written, error) {
			return in.EditScenario(ctx, parley.EditScenario{
				Scenario: path, Title: title, Summary: summary, Criteria: criteria, Deadline: deadline,
				TargetStage: targetStage,
			})
		})
	})
	for _, st := range statuses {
		later = append(later, func() { s.status(path, st) })
	}
	for _, position := range positions {
		later = append(later, func() { s.position(path, position) })
	}
	for _, assessment := range assessments {
		later = append(later, func() { s.assessment(path, assessment) })
	}
	if outcome.Value != nil {
		later = append(later, func() {
			s.outcome(path, it, id, parley.ResolveScenarioInput{
				Scenario:   path,
				Outcome:    *outcome.Value,
				Note:       resolutionNote.Value,
				ResolvedAt: resolvedAt.Value,
			})
		})
	} else if outcome.Set || resolvedAt.Set || resolutionNote.Set {
		it.refuse(it.line,
			"This scenario has resolvedAt or resolutionNote, but no outcome; give an outcome, or remove them. (To "+
				"retract a resolution, use the mutation unresolveScenario.)")
	}
	return later
}

type status struct {
	*item
	key         string
	to          parley.Patch[parley.ScenarioStatus]
	effectiveAt parley.Patch[parley.Instant]
	precision   parley.Patch[parley.TimePrecision]
	ordinal     parley.Patch[int]
	by          parley.Patch[[]string]
	reason      parley.Patch[string]
	successors  parley.Patch[[]string]
	evidence    []string
	note        string
}

func readStatus(negotiation string, it *item) status {
	st := status{
		item: it, to: word(it, "to", parley.ScenarioStatuses), effectiveAt: instant(it, "effectiveAt"),
		precision: word(it, "effectiveAtPrecision", parley.TimePrecisions), ordinal: number(it, "ordinal"),
		by: texts(it, "by"), reason: text(it, "reason"),
		successors: texts(it, "successors"), evidence: or(texts(it, "evidence"), nil), note: correctionNote(it),
	}
	lacking(it, "to")
	lacking(it, "effectiveAt")
	if st.successors.Value != nil {
		st.successors = parley.To(allWithin(negotiation, *st.successors.Value))
	}
	st.key = or(text(it, "key"), beginning(st.effectiveAt, st.ordinal))
	it.done()
	return st
}

func (s *Set) status(scenario string, st status) {
	id := s.once(st.item, s.factID(parley.KindStatusChange, scenario, st.key), giveKey)
	s.steps = append(s.steps, step{st.item, func(ctx context.Context, in *importer) error {
		return in.derived(ctx, id, st.evidence, func(id *string, evidence []string) (storage.Written, error) {
			return in.ChangeScenarioStatus(ctx, parley.ChangeScenarioStatusInput{
				ID: id, Scenario: scenario, To: *st.to.Value, Reason: or(st.reason, ""), By: or(st.by, nil),
				EffectiveAt:          st.effectiveAt.Value,
				EffectiveAtPrecision: or(st.precision, parley.PrecisionInstant), Ordinal: or(st.ordinal, 0),
				Successors: or(st.successors, nil),
				Evidence:   evidence,
			})
		}, func(ref string) (storage.Written, error) {
			return in.CorrectStatusChange(ctx, parley.CorrectStatusChange{
				StatusChange: ref, To: st.to, Successors: st.successors, EffectiveAt: st.effectiveAt,
				EffectiveAtPrecision: st.precision, Ordinal: st.ordinal, Reason: st.reason, By: st.by, Note: st.note,
			})
		})
	}})
}

// beginning identifies a fact without a key on its line.
func beginning(at parley.Patch[parley.Instant], ordinal parley.Patch[int]) string {
	key := parley.FormatInstant(or(at, parley.EarliestInstant))
	if n := or(ordinal, 0); n != 0 {
		key += fmt.Sprint(" ", n)
	}
	return key
}

func (s *Set) position(scenario string, it *item) {
	holder, stance, conditions := needed(it, "holder"), word(it, "stance", parley.Stances), texts(it, "conditions")
	saidFor, redLine := texts(it, "saidFor"), boolean(it, "redLine")
	salience, rationale := number(it, "salience"), text(it, "rationale")
	confidence, validFrom := word(it, "confidence", parley.AnalyticConfidences), instant(it, "validFrom")
	precision, validTo := word(it, "validFromPrecision", parley.TimePrecisions), instant(it, "validTo")
	contests, evidence, note := text(it, "contests"), or(texts(it, "evidence"), nil), correctionNote(it)
	ordinal := number(it, "ordinal")
	lacking(it, "stance")
	lacking(it, "validFrom")
	key := or(text(it, "key"),
		fmt.Sprint(scenario, " ", holder, " ", beginning(validFrom, ordinal)))
	s.once(it, s.factID(parley.KindPosition, key), giveKey)
	s.add(it, func(ctx context.Context, in *importer) error {
		id, err := in.positionID(ctx, key)
		if err != nil {
			return err
		}
		return in.derived(ctx, id, evidence, func(id *string, evidence []string) (storage.Written, error) {
			var contested *string
			if contests.Value != nil {
				refs, err := in.refs(ctx, parley.KindPosition, "contests", []string{*contests.Value})
				if err != nil {
					return storage.Written{}, err
				}
				contested = &refs[0]
			}
			written, err := in.RecordPosition(ctx, parley.RecordPositionInput{
				ID: id, Holder: holder, SaidFor: or(saidFor, nil), Scenario: scenario, Stance: *stance.Value,
				Conditions: or(conditions, nil),
				RedLine:    or(redLine, false), Salience: salience.Value, Rationale: rationale.Value,
				Confidence: or(confidence, "MODERATE"), ValidFrom: validFrom.Value,
				ValidFromPrecision: or(precision, parley.PrecisionInstant), Ordinal: or(ordinal, 0),
				ValidTo: validTo.Value, Contests: contested, Evidence: evidence,
			})
			first := s.factID(parley.KindPosition, key)
			if err == nil && written.Cursor == nil && *id == first.String() {
				err = in.Name(ctx, first, written.ID) // the position repeats the written one and adds nothing to it
			}
			return written, err
		}, func(ref string) (storage.Written, error) {
			return in.CorrectPosition(ctx, parley.CorrectPosition{
				Position: ref, Holder: parley.To(holder), SaidFor: saidFor, Scenario: parley.To(scenario), Stance: stance,
				Conditions: conditions,
				RedLine:    redLine, Salience: salience, Rationale: rationale, Confidence: confidence,
				ValidFrom:          validFrom,
				ValidFromPrecision: precision, Ordinal: ordinal, ValidTo: validTo, Note: note,
			})
		})
	})
}

// outcome resolves a scenario. If it is resolved otherwise on record, it is unresolved first. If it was unresolved
// after the file had stated this outcome, it stays so: an analyst has retracted the resolution.
func (s *Set) outcome(scenario string, it *item, id uuid.UUID, in parley.ResolveScenarioInput) {
	says := []string{scenario, string(in.Outcome)}
	if in.ResolvedAt != nil {
		says = append(says, parley.FormatInstant(*in.ResolvedAt))
	}
	stated := s.factID("RESOLUTION", says...)
	s.steps = append(s.steps, step{it, func(ctx context.Context, im *importer) error {
		named, _, err := im.Named(ctx, id)
		if err != nil || named.Retracted {
			return err
		}
		was, err := im.Scenario(ctx, named.Record)
		if err != nil {
			return err
		}
		_, known, err := im.Named(ctx, stated)
		switch {
		case err != nil, was.Outcome == nil && known, was.ResolvedLike(in):
			return err
		case was.Outcome != nil:
			unresolve := parley.UnresolveScenarioInput{Scenario: scenario, Note: changed}
			if err := im.did(im.UnresolveScenario(ctx, unresolve)); err != nil {
				return err
			}
		}
		written, err := im.ResolveScenario(ctx, in)
		if err := im.did(written, err); err != nil || known {
			return err
		}
		return im.Name(ctx, stated, written.ID)
	}})
}

// assessment reads an assessment. Assessments are never corrected: a later one follows them.
func (s *Set) assessment(scenario string, it *item) {
	probability, confidence := number(it, "probability"), word(it, "confidence", parley.AnalyticConfidences)
	rationale, assessedAt := needed(it, "rationale"), instant(it, "assessedAt")
	lacking(it, "probability")
	lacking(it, "assessedAt")
	id := s.once(it,
		s.factID(parley.KindAssessment, scenario, parley.FormatInstant(or(assessedAt, parley.EarliestInstant))),
		"keep one")
	s.add(it, func(ctx context.Context, in *importer) error {
		stated := parley.AssessScenarioInput{
			Scenario: scenario, Probability: *probability.Value, Confidence: or(confidence, "MODERATE"),
			Rationale: rationale, AssessedAt: assessedAt.Value,
		}
		return in.derived(ctx, id, nil, func(id *string, _ []string) (storage.Written, error) {
			stated.ID = id
			return in.AssessScenario(ctx, stated)
		}, func(ref string) (storage.Written, error) {
			onRecord, err := in.Assessment(ctx, uuid.MustParse(ref))
			if err != nil || onRecord.SaysTheSame(stated) {
				return storage.Written{}, err
			}
			return storage.Written{}, parley.Refuse(parley.Conflict, "probability",
				"The assessment of %s is on record as %d percent, with another rationale or probability; assessments "+
					"are not corrected. Give the new one another assessedAt, or retract the old one.",
				parley.FormatInstant(onRecord.AssessedAt), onRecord.Probability)
		})
	})
}
