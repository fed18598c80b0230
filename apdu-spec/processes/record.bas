10 REM RECORD: the 50 bytes of the record with sequence S; while locked without its balance
20 LET SHOWN = LOG.BALANCE(S)
30 IF LOCK.FLAG = 1 THEN LET SHOWN = 0
40 LET RECORD = LOG.PD(S) & LOG.ROLE(S) & LOG.STATE(S) & SHOWN & LOG.TAC(S)
