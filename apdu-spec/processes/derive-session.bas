10 REM DERIVE.SESSION: the key of one transaction
20 LET SESSION = KDF(PAIR.KEY, "SESS", PD)
