10 REM BACK.PAYER: the payer's card again, after an answer of it was lost. PAYER.READY: it is there, and no other one
20 LET PAYER.READY = 0
30 TRANSMIT PAYER, RESET
40 IF SW <> X"9000" THEN GOTO 120
50 TRANSMIT PAYER, SELECT, P1 = X"04", P2 = X"00", DATA = X"F0505552534501"
60 RECEIVE FCI
70 IF SW <> X"9000" AND SW <> X"6283" AND SW <> X"6285" THEN GOTO 120
80 GOSUB PAYER.STATUS
90 IF PAYER.NUMBER <> PD.FROM THEN GOTO 120
92 REM The session is a new one: in a transfer the purse verifies the certificate of its peer again
94 IF PD.KIND <> TRANSFER THEN GOTO 100
96 TRANSMIT PAYER, VERIFY CERTIFICATE, P2 = X"BE", DATA = PAYER.PEER
98 IF SW <> X"9000" THEN GOTO 120
100 LET PAYER.READY = 1
110 RETURN
120 REM What became of the command that was lost is not known
130 LET SW = X"0000"
