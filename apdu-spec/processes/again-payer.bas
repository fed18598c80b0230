10 REM AGAIN.PAYER: the payer's card is selected again, for only its status block says what it holds. PAYER.READY: it has answered
20 LET PAYER.READY = 0
30 TRANSMIT PAYER, SELECT, P1 = X"04", P2 = X"00", DATA = X"F0505552534501"
40 RECEIVE FCI
50 IF SW <> X"9000" AND SW <> X"6283" AND SW <> X"6285" THEN RETURN
60 GOSUB PAYER.STATUS
70 LET PAYER.READY = 1
