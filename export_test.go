package footfall

// NewWithJournalFault is New with a function that is called before each write to the
// journal: it may take its time, or fail the write.
func NewWithJournalFault(c Config, fault func() error) (*Tracker, error) { return start(c, fault) }
