package netpol

import (
	"math/rand/v2"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apilabels "k8s.io/apimachinery/pkg/labels"
)

func known(set map[string]string) labels {
	return func(key string) (string, Truth) {
		value, ok := set[key]
		return value, truth(ok)
	}
}

// Where all labels are known, a label selector is what the API machinery says.
func TestLabelSelectorsAgreeWithTheAPI(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	keys, values := []string{"app", "tier", "team.example/name"}, []string{"", "web", "db"}
	one := func(list []string) string { return list[r.IntN(len(list))] }
	operators := []metav1.LabelSelectorOperator{metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn, metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist}
	verdicts := map[Truth]int{}
	for range 5000 {
		s := metav1.LabelSelector{MatchLabels: map[string]string{}}
		for range r.IntN(3) {
			s.MatchLabels[one(keys)] = one(values)
		}
		for range r.IntN(3) {
			e := metav1.LabelSelectorRequirement{Key: one(keys), Operator: operators[r.IntN(4)]}
			if e.Operator == metav1.LabelSelectorOpIn || e.Operator == metav1.LabelSelectorOpNotIn {
				e.Values = []string{one(values), one(values)}
			}
			s.MatchExpressions = append(s.MatchExpressions, e)
		}
		set := map[string]string{}
		for range r.IntN(4) {
			set[one(keys)] = one(values)
		}
		oracle, err := metav1.LabelSelectorAsSelector(&s)
		if err != nil {
			t.Fatal(err)
		}
		got, want := ofLabels(&s).eval(known(set)), truth(oracle.Matches(apilabels.Set(set)))
		if got != want {
			t.Fatalf("%s on %v: got %d, want %d", oracle, set, got, want)
		}
		verdicts[got]++
		if key, values, ok := ofLabels(&s).must(); ok && got == Yes {
			if !contains(values, set, key) {
				t.Fatalf("%s takes %v, which lacks %s %v", oracle, set, key, values)
			}
		}
	}
	if verdicts[Yes] < 500 || verdicts[No] < 500 {
		t.Fatalf("the cases are not of both kinds: %v", verdicts)
	}
}

func contains(values []string, set map[string]string, key string) bool {
	for _, v := range values {
		if got, ok := set[key]; ok && got == v {
			return true
		}
	}
	return false
}

func TestUnknownLabels(t *testing.T) {
	all := func(key string) (string, Truth) {
		switch key {
		case "app":
			return "web", Yes
		case "late":
			return "", Maybe
		case "open":
			return "${TIER}", Yes
		}
		return "", No
	}
	for _, tt := range []struct {
		text string
		want Truth
	}{
		{"app == 'web'", Yes},
		{"app == '${APP}'", Maybe},
		{"app in {'web', '${APP}'}", Yes},
		{"app != '${APP}'", Maybe},
		{"open == '${TIER}'", Yes},
		{"open == 'x'", Maybe},
		{"open in {}", No},
		{"open starts with 'x'", Maybe},
		{"has(open)", Yes},
		{"has(late)", Maybe},
		{"!has(late)", Maybe},
		{"late == 'x'", Maybe},
		{"late ends with 'x'", Maybe},
		{"late == 'x' && none == 'x'", No},
		{"late == 'x' && app == 'web'", Maybe},
		{"late == 'x' || app == 'web'", Yes},
		{"late == 'x' || none == 'x'", Maybe},
	} {
		s, err := parseExpression(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.eval(all); got != tt.want {
			t.Errorf("%s is %d, want %d", tt.text, got, tt.want)
		}
	}
	bad := metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "app", Operator: "Like"}}}
	if got := ofLabels(&bad).eval(all); got != Maybe {
		t.Errorf("a selector that the API server refuses is %d, want %d", got, Maybe)
	}
}
