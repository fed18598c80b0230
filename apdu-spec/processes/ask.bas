10 REM ASK: the payee asks for the amount. PD says from now on what is agreed
20 TRANSMIT PAYEE, INITIALIZE, P1 = KIND, DATA = KVN & CURRENCY & AMOUNT & FROM & FROM.SEQUENCE & TIME
30 RECEIVE TO, TO.SEQUENCE, REQ
40 IF SW <> X"9000" OR TO <> PAYEE.NUMBER THEN STOP "refused: the payee asks for nothing, nothing has moved"
50 LET PD = BYTE(KIND) & KVN & CURRENCY & AMOUNT & FROM & FROM.SEQUENCE & TO & TO.SEQUENCE & TIME
