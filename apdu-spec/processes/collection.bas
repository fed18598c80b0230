10 REM COLLECTION: a merchant SAM, the payer, gives the issuer all that it holds, and the records that account for it
20 INPUT TIME
30 GOSUB SELECT.PAYER
40 IF PAYER.LIFE.CYCLE = BLANK OR PAYER.ROLE <> MERCHANT THEN STOP "refused: the payer is no merchant SAM, nothing has moved"
50 GOSUB SUBMIT
60 IF SW <> X"9000" THEN STOP "refused: the records do not reach the issuer, nothing has moved"
70 GOSUB HOLDINGS
80 IF SW <> X"9000" THEN STOP "refused: the balances cannot be read, nothing has moved"
90 LET PIN = X""
100 IF LENGTH(HELD) = 0 THEN STOP "done"
110 LET CURRENCY = FIRST(HELD, 2)
120 LET AMOUNT = NUMBER(PART(HELD, 2, 4))
130 LET HELD = REST(HELD, 6)
140 TRANSMIT ISSUER, UNLOAD REQUEST, DATA = PAYER.NUMBER & CURRENCY & AMOUNT & PAYER.SEQUENCE & TIME
150 RECEIVE PD, REQ
160 IF SW <> X"9000" THEN STOP "refused: the issuer asks for nothing, of this pocket nothing has moved"
170 GOSUB PAY
180 GOSUB DELIVER.COLLECTION
190 IF OUTCOME = OPEN THEN STOP "in the air: bring the SAM and recover"
200 REM Only a SAM that knows has room in its log again; one that has left hears of it at the next recovery
210 TRANSMIT PAYER, ACKNOWLEDGE, DATA = PD.FROM.SEQUENCE & ACK
220 GOTO 100
