package blackbox

// statsJSON is what footfall stats --json prints.
type statsJSON struct {
	ActiveUsers, ActiveUsers5, DailyVisits               int64
	Sessions, Visitors, Customers, PageViews, Events     int64
	EventsByType                                         map[string]int64
	EngagedSessions, ConvertedSessions, Orders, BotViews int64
	BounceRate, ConversionRate                           float64
	Revenue, Refunded                                    []moneyJSON
	BotsByReason                                         map[string]int64
	UncountedVisits                                      int64
}

type moneyJSON struct {
	Amount   int64
	Currency string
}
