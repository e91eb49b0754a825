package secret

// harmless are the options of addresses whose values are no secrets, in lower case:
// those of MongoDB's connection strings, and ca of redisstore.
var harmless = set(
	"ca",
	"appname", "authmechanism", "authsource", "compressors", "connecttimeoutms", "directconnection", "heartbeatfrequencyms",
	"journal", "loadbalanced", "localthresholdms", "maxconnecting", "maxidletimems", "maxpoolsize", "maxstalenessseconds", "minpoolsize",
	"readconcernlevel", "readpreference", "readpreferencetags", "replicaset", "retryreads", "retrywrites", "servermonitoringmode",
	"serverselectiontimeoutms", "serverselectiontryonce", "sockettimeoutms", "srvmaxhosts", "srvservicename", "ssl", "sslcertificateauthorityfile",
	"sslclientcertificatekeyfile", "sslinsecure", "timeoutms", "tls", "tlsallowinvalidcertificates", "tlsallowinvalidhostnames", "tlscafile",
	"tlscertificatefile", "tlscertificatekeyfile", "tlsdisablecertificaterevocationcheck", "tlsdisableocspendpointcheck", "tlsinsecure",
	"tlsprivatekeyfile", "uuidrepresentation", "w", "waitqueuetimeoutms", "wtimeout", "wtimeoutms", "zlibcompressionlevel", "zstdcompressionlevel",
)

// guarded are the options whose names are shown and whose values are not.
var guarded = set(
	"authmechanismproperties", "aws_session_token", "gssapiservicename", "password", "proxypassword", "proxyusername",
	"sslclientcertificatekeypassword", "tlscertificatekeyfilepassword", "token", "username",
)

func set(names ...string) map[string]bool {
	s := map[string]bool{}
	for _, name := range names {
		s[name] = true
	}
	return s
}
