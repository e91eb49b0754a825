// Package admin is what operators, their monitoring and the footfall command ask of a
// process that runs a tracker: the demo, footfall serve, or a shop's own program.
//
// A [Handler] serves
//
//	/healthz       200 as long as the process is alive
//	/readyz        200 if every part is in order, 503 otherwise; the parts by name. What is
//	               wrong with them, and the journal, only with the token
//	/metrics       metrics in the text format of Prometheus, with the token
//	/_footfall/…   the admin API of package dashboard, with the token
//
// [Handler.Listen] serves that on an address of its own, on the loopback interface if none
// is named. [Handler.Mount] adds it to a mux of the shop's, outside of Tracker.Handler;
// [Handler.Announce] then says where that is. Both make the process findable: with
// DATA_DIR set to Config.DataDir, footfall doctor and footfall revoke ask it, without
// any further setting. The other commands read the database DataDir/footfall.db, or the
// one that MONGODB_URI names.
//
// It owns the lock of DataDir as long as a Handler lasts, and the file there that says how
// to reach it. It promises that the file is gone when [Handler.Close] returns. It never
// closes the tracker or the archive.
package admin
