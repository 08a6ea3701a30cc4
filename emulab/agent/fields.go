package main

// fields takes the members of a request's document one by one. The first member that is missing, of
// a wrong type or unknown is the problem that the request answers with.
type fields struct {
	members map[string]any
	problem string
}

func newFields(v any) *fields {
	m, ok := v.(map[string]any)
	if !ok {
		return &fields{problem: "the request is not an object"}
	}
	return &fields{members: m}
}

func (f *fields) take(name string) (any, bool) {
	v, ok := f.members[name]
	delete(f.members, name)
	return v, ok && v != nil
}

func (f *fields) fail(problem string) {
	if f.problem == "" {
		f.problem = problem
	}
}

// text takes a string that must be there.
func (f *fields) text(name string) string {
	v, ok := f.take(name)
	s, is := v.(string)
	if !ok || !is {
		f.fail("field " + name + " must be a string")
	}
	return s
}

func (f *fields) optionalText(name, otherwise string) string {
	v, ok := f.take(name)
	if !ok {
		return otherwise
	}
	s, is := v.(string)
	if !is {
		f.fail("field " + name + " must be a string")
	}
	return s
}

func (f *fields) integer(name string, otherwise int64) int64 {
	v, ok := f.take(name)
	if !ok {
		return otherwise
	}
	n, is := v.(int64)
	if !is {
		f.fail("field " + name + " must be an integer")
	}
	return n
}

func (f *fields) flag(name string) bool {
	v, ok := f.take(name)
	if !ok {
		return false
	}
	b, is := v.(bool)
	if !is {
		f.fail("field " + name + " must be true or false")
	}
	return b
}

// texts takes a list of strings; it is nil when the field is not there.
func (f *fields) texts(name string) []string {
	v, ok := f.take(name)
	if !ok {
		return nil
	}
	list, is := v.([]any)
	out := make([]string, 0, len(list))
	for _, item := range list {
		s, text := item.(string)
		is = is && text
		out = append(out, s)
	}
	if !is {
		f.fail("field " + name + " must be a list of strings")
	}
	return out
}

// object takes a nested object; its own problems are reported by its finish.
func (f *fields) object(name string) (*fields, bool) {
	v, ok := f.take(name)
	if !ok {
		return nil, false
	}
	m, is := v.(map[string]any)
	if !is {
		f.fail("field " + name + " must be an object")
		return nil, false
	}
	return &fields{members: m}, true
}

// pair takes a list of two integers.
func (f *fields) pair(name string) (low, high int64, ok bool) {
	v, there := f.take(name)
	if !there {
		return 0, 0, false
	}
	list, _ := v.([]any)
	if len(list) == 2 {
		a, first := list[0].(int64)
		b, second := list[1].(int64)
		if first && second {
			return a, b, true
		}
	}
	f.fail("field " + name + " must be a list of two integers")
	return 0, 0, false
}

// finish returns the first problem, an unknown field among them.
func (f *fields) finish() *failure {
	if f.problem == "" {
		least := ""
		for name := range f.members {
			if least == "" || name < least {
				least = name
			}
		}
		if least != "" {
			f.problem = "unknown field " + least
		}
	}
	if f.problem == "" {
		return nil
	}
	return &failure{code: "bad-request", message: f.problem}
}
