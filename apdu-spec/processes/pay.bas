10 REM PAY: DEBIT, whose answer may be lost; then once more, to the letter, for a debit that has happened answers again
20 TRANSMIT PAYER, DEBIT, P1 = PD.KIND, DATA = PD.KVN & PD.FROM.SEQUENCE & PD.CURRENCY & PD.AMOUNT & PD.TO & PD.TO.SEQUENCE & PD.TIME & REQ
30 RECEIVE VAL, TAC
40 IF SW = X"9000" THEN GOTO 160
50 IF SW <> X"0000" THEN STOP "refused: the payer does not pay, nothing has moved"
60 GOSUB BACK.PAYER
70 IF PAYER.READY = 0 THEN STOP "in the air: bring both cards and recover"
80 LET HAPPENED = 0
90 IF PAYER.SEQUENCE <> PD.FROM.SEQUENCE THEN LET HAPPENED = 1
100 REM If it has not happened it happens now, and the PIN was verified in a session that is over
110 IF HAPPENED = 0 AND LENGTH(PIN) <> 0 THEN GOSUB ENTER.PIN
120 TRANSMIT PAYER, DEBIT, P1 = PD.KIND, DATA = PD.KVN & PD.FROM.SEQUENCE & PD.CURRENCY & PD.AMOUNT & PD.TO & PD.TO.SEQUENCE & PD.TIME & REQ
130 RECEIVE VAL, TAC
140 IF SW = X"0000" OR HAPPENED = 1 AND SW <> X"9000" THEN STOP "in the air: bring both cards and recover"
150 IF SW <> X"9000" THEN STOP "refused: the payer does not pay, nothing has moved"
160 REM The payer's next transaction
170 IF PAYER.SEQUENCE = PD.FROM.SEQUENCE THEN LET PAYER.SEQUENCE = PAYER.SEQUENCE + 1
