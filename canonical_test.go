package parley_test

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"example.org/parley"
)

func pointer[T any](v T) *T { return &v }

var noon = time.Date(2025, 8, 15, 12, 0, 0, 0, time.FixedZone("", 5*3600+45*60))

// identified has an example of each input that takes a client's id, with the golden hash of its canonical form. If a
// hash changes, retries of earlier requests look like other requests: then the form needs a new number.
var identified = []struct {
	operation string
	input     any
	hash      string
}{
	{"openNegotiation", parley.OpenNegotiationInput{
		Key: "talks", Title: "Talks", Stage: pointer(parley.StageCeasefire),
		StartedAt: &noon,
	}, "b3a57baefddd606fef69001972755dfe60ad882adba31d66a17302ddf014e0df"},
	{"addIssue", parley.AddIssueInput{
		Negotiation: "talks", Key: "border", Title: "The border", Kind: parley.IssueTerritory, Exhaustive: true,
	}, "01f8dae2224808b45b7010ac4336a3481eb4e511115321a7fa8acbde0043ea71"},
	{"addScenario", parley.AddScenarioInput{
		Issue: "talks/border", Key: "line", Title: "A line & more", InitialStatus: parley.Proposed,
		EffectiveAt: &noon, EffectiveAtPrecision: parley.PrecisionDay, By: []string{"north"},
		NewEvidence: []parley.NewStatementInput{
			{
				Source: "gazette", Text: "Yes", Form: parley.Reported, Terms: parley.OnRecord,
				Credibility: parley.CredibilityC2,
			},
		},
	}, "f12c4ce0502c0042cdea46f7a35005ecc47a53223b9428b9f15066011c7b1472"},
	{"registerStakeholder", parley.RegisterStakeholderInput{
		Key: "north", Name: "North", Kind: parley.State, Aliases: []string{"N", "The North"},
		CountryCode: pointer("NO"),
	}, "81c4eb5b7abf1d3de16b6ee782d569f9d7da40a129b1b07be6e0ab778c9b4449"},
	{"affiliate", parley.AffiliateInput{
		Person: "envoy", Organization: "north", Office: pointer("envoy"), SpeaksFor: true,
		ValidFrom: &noon,
	}, "a4a1eb1bff42f17f2dff6fb8a31d1bcbb84dd4407efc5ac1035fca30dd1d34cb"},
	{"addMembership", parley.AddMembershipInput{
		Member: "north", Group: "union", SpeaksForMembers: true, ValidFrom: &noon,
	}, "ffdc75179bd25d2fb8aa823fc2d45f394a12d3657c53d28d2e84f4e7ac603615"},
	{"joinNegotiation", parley.JoinNegotiationInput{
		Negotiation: "talks", Stakeholder: "north", Role: parley.PrimaryParty, Capability: pointer(0),
	}, "7c9545c577c257fad71dc01250ea7f954f32e2887513607d5be9bb28694573f2"},
	{"registerSource", parley.RegisterSourceInput{
		Key: "gazette", Title: "Gazette", URL: pointer("https://example.org/a"), Reliability: parley.ReliabilityF,
		Marking: parley.TLPClear, Body: pointer("Text"),
	}, "fb5ab410fa46c074e8ec11211403b4c070dc54510b2c23269de62fd8021e5454"},
	{"recordStatement", parley.NewStatementInput{
		Source: "gazette", Speaker: pointer("envoy"), About: []string{"talks/line"}, Text: "Yes",
		Form: parley.DirectQuote, Terms: parley.OnRecord, Credibility: parley.CredibilityC6, SaidAt: &noon,
		SaidAtPrecision: parley.PrecisionInstant,
	}, "126edbd464e432f3a27a1b7c2e9c362f5d3daf96bf7225bf907299e3fab7d27f"},
	{"recordEvent", parley.RecordEventInput{
		Negotiation: "talks", Key: "summit", Kind: parley.EventSummit, State: parley.EventHeld, Title: "A summit",
		StartedAt: noon, StartedAtPrecision: parley.PrecisionInstant,
	}, "0c50089b85f7298db5002cf094d164344dafc174fb590e290ab8a79e181dd21e"},
	{"relateScenarios", parley.RelateScenariosInput{
		From: "talks/line", To: "talks/strip", Kind: parley.MutuallyExclusive,
	}, "b0a6033472d26b5e15fec3ffe6ea222ea95e056e8d5dd1427f53e8a1c339d974"},
	{"changeScenarioStatus", parley.ChangeScenarioStatusInput{
		Scenario: "talks/line", To: parley.Agreed, Reason: "Signed", EffectiveAtPrecision: parley.PrecisionInstant,
		ExpectedStatus: pointer(parley.Proposed),
	}, "d3360706eca789f861b452a0ccf011dbfdf8e31d4d6e070996c057c3c7ea461a"},
	{"recordPosition", parley.RecordPositionInput{
		Holder: "north", Scenario: "talks/line", Stance: parley.Supports,
		Conditions: []string{"that it is short"}, RedLine: true, Salience: pointer(80),
		Confidence: parley.ConfidenceHigh, ValidFromPrecision: parley.PrecisionDay,
	}, "cca75c0ab077b840f435620412fd436c6de0a30cd51e3186197b1bc9e9acb88b"},
	{"assessScenario", parley.AssessScenarioInput{
		Scenario: "talks/line", Probability: 20, Confidence: parley.ConfidenceModerate, Rationale: "They talk.",
	}, "02ea169d924855bb65d87259c8fce06fc05a79e1544694a91f6cd29fa4095ae2"},
}

// record returns an id for the record that a reference names.
func record(ref string) string { return uuid.NewSHA1(uuid.Nil, []byte(ref)).String() }

func TestCanonicalForms(t *testing.T) {
	t.Parallel()
	for _, tt := range identified {
		c := parley.Canonicalize(tt.operation, tt.input, record)
		if got := hex.EncodeToString(c.Fingerprint().Hash); got != tt.hash {
			t.Errorf("%s has the fingerprint %s, want %s, of\n%s", tt.operation, got, tt.hash, c.Bytes())
		}
	}
}

// A new field of an input does not change a fingerprint while it is left out or has its default. Nor does the name of
// the type.
func TestFingerprintsOutliveNewFields(t *testing.T) {
	t.Parallel()
	type LaterInput struct {
		parley.RelateScenariosInput
		Strength   *int
		Confidence parley.AnalyticConfidence `api:"default=MODERATE"`
		Tags       []string                  `api:"ref"`
		Formal     bool
	}
	now := parley.RelateScenariosInput{From: "talks/line", To: "talks/strip", Kind: parley.Compatible}
	later := LaterInput{RelateScenariosInput: now, Confidence: parley.ConfidenceModerate, Tags: []string{}}
	before := parley.Canonicalize("relateScenarios", now, record)
	after := parley.Canonicalize("relateScenarios", later, record)
	delete(after.Fields, "relateScenariosInput") // the embedding itself
	if string(before.Bytes()) != string(after.Bytes()) {
		t.Errorf("%s\nbecame\n%s", before.Bytes(), after.Bytes())
	}
	later.Strength = pointer(0)
	if string(parley.Canonicalize("relateScenarios", later, record).Bytes()) == string(before.Bytes()) {
		t.Error("a given field does not change the canonical form")
	}
}

// References by id and by key have the same form, and so have equal instants in different zones.
func TestCanonicalFormsAreOfContent(t *testing.T) {
	t.Parallel()
	utc := noon.UTC()
	a := parley.AffiliateInput{Person: "envoy", Organization: record("north"), ValidFrom: &noon}
	b := parley.AffiliateInput{ID: pointer("x"), Person: record("envoy"), Organization: "north", ValidFrom: &utc}
	find := func(ref string) string {
		if _, err := uuid.Parse(ref); err == nil {
			return ref
		}
		return record(ref)
	}
	x, y := parley.Canonicalize("affiliate", a, find), parley.Canonicalize("affiliate", b, find)
	if string(x.Bytes()) != string(y.Bytes()) {
		t.Errorf("%s\ndiffers from\n%s", x.Bytes(), y.Bytes())
	}
}

// The tags of inputs agree with the schema about references and defaults.
func TestInputsAreTaggedAsTheSchemaSays(t *testing.T) {
	t.Parallel()
	schema := loadSchema(t)
	for _, tt := range identified {
		of := reflect.TypeOf(tt.input)
		definition := schema.Types[of.Name()]
		if operation := schema.Mutation.Fields.ForName(tt.operation); operation == nil {
			t.Errorf("there is no mutation %s", tt.operation)
		}
		for i := range of.NumField() {
			f := of.Field(i)
			name := strings.ToLower(f.Name[:1]) + f.Name[1:]
			if strings.ToUpper(f.Name) == f.Name {
				name = strings.ToLower(f.Name)
			}
			field := definition.Fields.ForName(name)
			if field == nil {
				t.Errorf("%s has no field %q for %s", definition.Name, name, f.Name)
				continue
			}
			want := ""
			switch {
			case name == "id":
			case name == "saidFor":
				want = "ref null" // none and an empty list are two things
			case field.Type.Name() == "ID":
				want = "ref"
			case field.DefaultValue == nil, field.DefaultValue.Raw == "false", field.DefaultValue.Kind == ast.ListValue:
			default:
				want = "default=" + field.DefaultValue.Raw
			}
			if got := f.Tag.Get("api"); got != want {
				t.Errorf("%s.%s is tagged %q, want %q", definition.Name, f.Name, got, want)
			}
		}
	}
}

func loadSchema(t *testing.T) *ast.Schema {
	t.Helper()
	files, err := filepath.Glob("graph/*.graphqls")
	if err != nil {
		t.Fatal(err)
	}
	var sources []*ast.Source
	for _, name := range append(files, "schema.graphqls") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, &ast.Source{Name: name, Input: string(text)})
	}
	schema, err := gqlparser.LoadSchema(sources...)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}
