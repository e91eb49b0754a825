package enrich
import ("testing";"time";"runtime";"os";"encoding/json";"strings";"net/http")
func heap() uint64 { runtime.GC(); runtime.GC(); var m runtime.MemStats; runtime.ReadMemStats(&m); return m.HeapAlloc }
func TestZZ(t *testing.T){
 h0:=heap(); t0:=time.Now(); p:=uapTables(); d:=time.Since(t0); h1:=heap(); t.Log("uap load",d,"heap KiB",(h1-h0)/1024); p.ParseOs("x")
 for range 2000 { p.ParseUserAgent("Mozilla/5.0 (Thing) AppleWebKit/1.0 (KHTML, like Gecko) Odd"+time.Now().String()) }
 t.Log("after use KiB",(heap()-h0)/1024)
 h0=heap(); t0=time.Now(); botTable(); browserTable(); d=time.Since(t0); t.Log("own tables",d,(heap()-h0)/1024)
 h0=heap(); t0=time.Now(); DefaultSites(); d=time.Since(t0); t.Log("sites",d,(heap()-h0)/1024, len(DefaultSites().hosts), len(DefaultSites().names))
 a:=NewAgents(0); h0=heap()
 var prof []struct{UserAgent string}; b,_:=os.ReadFile(os.Getenv("FOOTFALL_PROFILES")); json.Unmarshal(b,&prof)
 h0=heap(); for _,x:=range prof { a.Lookup(http.Header{"User-Agent":{x.UserAgent},"Sec-Ch-Ua":{strings.Repeat("x",100)}}) }; n:=0; for i:=range a.shards{n+=len(a.shards[i].young)+len(a.shards[i].old)}
 t.Log("cache",n,"KiB",(heap()-h0)/1024)
 var dd []struct{UA string; Bot bool; Pats []string}
 b,_=os.ReadFile("/tmp/enr/diff.json"); if err:=json.Unmarshal(b,&dd);err!=nil{t.Fatal(err)}
 tb:=botTable(); bad:=0
 for _,x:=range dd{ want:=map[string]bool{}; for _,p:=range x.Pats{want[p]=true}
  l:=strings.ToLower(x.UA)
  for _,r:=range append(append([]rule{},tb.declared...),tb.shapes...){ if r.test(l)!=want[r.pattern]{bad++; t.Errorf("%q on %q",r.pattern,x.UA)}}}
 t.Log("diff",len(dd),bad); runtime.KeepAlive(prof); runtime.KeepAlive(a)
}
