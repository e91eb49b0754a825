package memstore

// A queue is a linked list of records. The links are fields of the records,
// because container/list would allocate one more object for each.
type queue struct{ front, back *record }

func (q *queue) pushBack(r *record) {
	r.prev, r.next = q.back, nil
	if q.back != nil {
		q.back.next = r
	} else {
		q.front = r
	}
	q.back = r
}

func (q *queue) remove(r *record) {
	if r.prev != nil {
		r.prev.next = r.next
	} else {
		q.front = r.next
	}
	if r.next != nil {
		r.next.prev = r.prev
	} else {
		q.back = r.prev
	}
	r.prev, r.next = nil, nil
}

func (q *queue) moveToBack(r *record) {
	if q.back != r {
		q.remove(r)
		q.pushBack(r)
	}
}
