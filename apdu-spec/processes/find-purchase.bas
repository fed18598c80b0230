10 REM FIND.PURCHASE: BOUGHT is the purchase that a refund pays back: settled, from that merchant, in that currency, of at
20 REM least that amount; the smallest that suffices, the newest among equals. 6A88 where there is none
30 LET BEST = NO.SEQUENCE + 1
40 FOR EACH S IN EF.LOG
50 IF LOG.ROLE(S) <> PAYER OR LOG.KIND(S) <> PURCHASE OR LOG.STATE(S) <> SETTLED THEN GOTO 90
60 IF LOG.TO(S) <> PD.FROM OR LOG.CURRENCY(S) <> PD.CURRENCY OR LOG.AMOUNT(S) < PD.AMOUNT OR LOG.AMOUNT(S) >= BEST THEN GOTO 90
70 LET BEST = LOG.AMOUNT(S)
80 LET BOUGHT = S
90 NEXT S
100 IF BEST > LARGEST.AMOUNT THEN RETURN 6A88
