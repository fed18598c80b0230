10 REM ENTER.PIN: the payer's holder has typed the PIN; it counts until the session ends
20 TRANSMIT PAYER, VERIFY, P2 = X"80", DATA = PIN
30 IF SW <> X"9000" THEN STOP "refused: the PIN is not verified, nothing has moved"
