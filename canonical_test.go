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

// identified are the inputs that a client may send under an id of its own, each filled in, with the golden hash of its
// canonical form. A hash that changes makes every retry from before look like another request: give the form another number.
var identified = []struct {
	operation string
	input     any
	hash      string
}{
	{"openNegotiation", parley.OpenNegotiationInput{Key: "talks", Title: "Talks", Stage: pointer(parley.NegotiationStage("CEASEFIRE")), StartedAt: &noon}, "b3a57baefddd606fef69001972755dfe60ad882adba31d66a17302ddf014e0df"},
	{"addIssue", parley.AddIssueInput{Negotiation: "talks", Key: "border", Title: "The border", Kind: "TERRITORY", Exhaustive: true}, "01f8dae2224808b45b7010ac4336a3481eb4e511115321a7fa8acbde0043ea71"},
	{"addScenario", parley.AddScenarioInput{
		Issue: "talks/border", Key: "line", Title: "A line & more", InitialStatus: "PROPOSED", EffectiveAt: &noon, EffectiveAtPrecision: "DAY",
		By: []string{"north"}, NewEvidence: []parley.NewStatementInput{{Source: "gazette", Text: "Yes", Form: "REPORTED", Terms: "ON_RECORD", Credibility: "C2"}},
	}, "f12c4ce0502c0042cdea46f7a35005ecc47a53223b9428b9f15066011c7b1472"},
	{"registerStakeholder", parley.RegisterStakeholderInput{Key: "north", Name: "North", Kind: "STATE", Aliases: []string{"N", "The North"}, CountryCode: pointer("NO")}, "81c4eb5b7abf1d3de16b6ee782d569f9d7da40a129b1b07be6e0ab778c9b4449"},
	{"affiliate", parley.AffiliateInput{Person: "envoy", Organization: "north", Office: pointer("envoy"), SpeaksFor: true, ValidFrom: &noon}, "a4a1eb1bff42f17f2dff6fb8a31d1bcbb84dd4407efc5ac1035fca30dd1d34cb"},
	{"joinNegotiation", parley.JoinNegotiationInput{Negotiation: "talks", Stakeholder: "north", Role: "PRIMARY_PARTY", Capability: pointer(0)}, "7c9545c577c257fad71dc01250ea7f954f32e2887513607d5be9bb28694573f2"},
	{"registerSource", parley.RegisterSourceInput{Key: "gazette", Title: "Gazette", URL: pointer("https://example.org/a"), Reliability: "F", Marking: "TLP_CLEAR", Body: pointer("Text")}, "fb5ab410fa46c074e8ec11211403b4c070dc54510b2c23269de62fd8021e5454"},
	{"recordStatement", parley.NewStatementInput{Source: "gazette", Speaker: pointer("envoy"), About: []string{"talks/line"}, Text: "Yes", Form: "DIRECT_QUOTE", Terms: "ON_RECORD", Credibility: "C6", SaidAt: &noon, SaidAtPrecision: "INSTANT"}, "126edbd464e432f3a27a1b7c2e9c362f5d3daf96bf7225bf907299e3fab7d27f"},
	{"recordEvent", parley.RecordEventInput{Negotiation: "talks", Key: "summit", Kind: "SUMMIT", State: "HELD", Title: "A summit", StartedAt: noon, StartedAtPrecision: "INSTANT"}, "0c50089b85f7298db5002cf094d164344dafc174fb590e290ab8a79e181dd21e"},
	{"relateScenarios", parley.RelateScenariosInput{From: "talks/line", To: "talks/strip", Kind: "MUTUALLY_EXCLUSIVE"}, "b0a6033472d26b5e15fec3ffe6ea222ea95e056e8d5dd1427f53e8a1c339d974"},
	{"changeScenarioStatus", parley.ChangeScenarioStatusInput{Scenario: "talks/line", To: "AGREED", Reason: "Signed", EffectiveAtPrecision: "INSTANT", ExpectedStatus: pointer(parley.ScenarioStatus("PROPOSED"))}, "d3360706eca789f861b452a0ccf011dbfdf8e31d4d6e070996c057c3c7ea461a"},
	{"recordPosition", parley.RecordPositionInput{Holder: "north", Scenario: "talks/line", Stance: "SUPPORTS", Conditions: []string{"that it is short"}, RedLine: true, Salience: pointer(80), Confidence: "HIGH", ValidFromPrecision: "DAY"}, "cca75c0ab077b840f435620412fd436c6de0a30cd51e3186197b1bc9e9acb88b"},
	{"assessScenario", parley.AssessScenarioInput{Scenario: "talks/line", Probability: 20, Confidence: "MODERATE", Rationale: "They talk."}, "02ea169d924855bb65d87259c8fce06fc05a79e1544694a91f6cd29fa4095ae2"},
}

// record stands for the id of a record that a reference names.
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

// A field that an input comes to have changes no fingerprint while it is left out, or has its default; nor does the name of
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
	now := parley.RelateScenariosInput{From: "talks/line", To: "talks/strip", Kind: "COMPATIBLE"}
	later := LaterInput{RelateScenariosInput: now, Confidence: "MODERATE", Tags: []string{}}
	before, after := parley.Canonicalize("relateScenarios", now, record), parley.Canonicalize("relateScenarios", later, record)
	delete(after.Fields, "relateScenariosInput") // the embedding itself
	if string(before.Bytes()) != string(after.Bytes()) {
		t.Errorf("%s\nbecame\n%s", before.Bytes(), after.Bytes())
	}
	later.Strength = pointer(0)
	if string(parley.Canonicalize("relateScenarios", later, record).Bytes()) == string(before.Bytes()) {
		t.Error("a field that is given makes no difference")
	}
}

// References read the same by id and by key, instants in any zone.
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
	if x, y := parley.Canonicalize("affiliate", a, find), parley.Canonicalize("affiliate", b, find); string(x.Bytes()) != string(y.Bytes()) {
		t.Errorf("%s\ndiffers from\n%s", x.Bytes(), y.Bytes())
	}
}

// The tags of inputs say what the schema says: which fields are references, and which defaults there are.
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
			case field.Type.Name() == "ID":
				want = "ref"
			case field.DefaultValue != nil && field.DefaultValue.Raw != "false" && field.DefaultValue.Kind != ast.ListValue:
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
