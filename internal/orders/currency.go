package orders

import (
	"fmt"
	"strings"
)

// currencies are the codes of ISO 4217: those in use, and those that were withdrawn
// since 2000, in which a shop may still have orders to refund or to import.
const currencies = " " +
	"AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK " +
	"DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT " +
	"LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF " +
	"SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST " +
	"XAD XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD XPF XPT XSU XTS XUA XXX YER ZAR ZMW ZWG " +
	"ADP AFA ANG ATS AZM BEF BYB BYR CSD CUC CYP DEM EEK ESP FIM FRF GHC GRD GWP HRK IEP ITL LTL LUF LVL MGF MRO MTL MZM MXP NLG PTE ROL RUR SDD SIT SKK SLL SRG STD " +
	"TMM TPE TRL USS VEB VEF XEU YUM ZMK ZWD ZWL ZWN ZWR "

// currency returns a currency's code in capital letters.
func currency(code string) (string, error) {
	capitals := strings.ToUpper(code)
	if len(capitals) != 3 || strings.Contains(capitals, " ") || !strings.Contains(currencies, " "+capitals+" ") {
		return "", fmt.Errorf("footfall: %q is no currency: use a code of three letters of ISO 4217, such as EUR", code)
	}
	return capitals, nil
}
