10 REM UNLOAD: a purse, the payer, pays the issuer
20 INPUT AMOUNT, CURRENCY, TIME
30 GOSUB SELECT.PAYER
40 REM An expired purse gives its money back all the same
50 IF PAYER.LIFE.CYCLE = BLANK OR PAYER.ROLE <> PURSE THEN STOP "refused: the payer is no purse, nothing has moved"
60 TRANSMIT ISSUER, UNLOAD REQUEST, DATA = PAYER.NUMBER & CURRENCY & AMOUNT & PAYER.SEQUENCE & TIME
70 RECEIVE PD, REQ
80 IF SW <> X"9000" THEN STOP "refused: the issuer asks for nothing, nothing has moved"
90 LET PIN = X""
100 GOSUB PAY
110 GOSUB DELIVER.UNLOAD
120 IF OUTCOME = OPEN THEN STOP "in the air: bring the card and recover"
130 IF OUTCOME = REVERSED THEN GOTO 180
140 REM The account has the money; a purse that has left hears of it at the next recovery
150 TRANSMIT PAYER, ACKNOWLEDGE, DATA = PD.FROM.SEQUENCE & ACK
160 IF SW = X"9000" THEN STOP "done"
170 STOP "done: the payer does not know it yet, recover"
180 GOSUB GIVE.BACK
190 IF SW <> X"9000" THEN STOP "in the air: bring the card and recover"
200 STOP "refused: the issuer does not take it, the payer has its value back"
