/* Made by scripts/code-pages.mjs from the tables of glibc; do not edit. */

/** EBCDIC code pages: the characters of bytes 0x40 to 0xFF; a byte without one is a blank. */
// prettier-ignore
export const TABLES: Record<string, string> = {
  '037':
    ' \u00a0âäàáãåçñ¢.<(+|&éêëèíîïìß!$*);¬-/ÂÄÀÁÃÅÇÑ¦,%_>?øÉÊËÈÍÎÏÌ`:#@\'="Øabcdefghi«»ðýþ±°jklmnopqrªºæ¸Æ¤µ~stuvwxyz¡¿ÐÝÞ®^£¥·©§¶¼½¾[]¯¨´×{ABCDEFGHI\u00adôöòóõ}JKLMNOPQR¹ûüùúÿ\\÷STUVWXYZ²ÔÖÒÓÕ0123456789³ÛÜÙÚ\u009f',
  '273':
    ' \u00a0â{àáãåçñÄ.<(+!&éêëèíîïì~Ü$*);^-/Â[ÀÁÃÅÇÑö,%_>?øÉÊËÈÍÎÏÌ`:#§\'="Øabcdefghi«»ðýþ±°jklmnopqrªºæ¸Æ¤µßstuvwxyz¡¿ÐÝÞ®¢£¥·©@¶¼½¾¬|¯¨´×äABCDEFGHI\u00adô¦òóõüJKLMNOPQR¹û}ùúÿÖ÷STUVWXYZ²Ô\\ÒÓÕ0123456789³Û]ÙÚ\u009f',
  '274':
    '          [.<(+!&         ]$*);^-/        ù,%_>?         `:#à\'=" abcdefghi       jklmnopqr       ¨stuvwxyz                      éABCDEFGHI      èJKLMNOPQR      ç STUVWXYZ      0123456789     \u009f',
  '275':
    '          É.<(+!&         $Ç*);^-/        ç,%_>?         ã:ÕÃ\'=" abcdefghi       jklmnopqr       ~stuvwxyz                      õABCDEFGHI      éJKLMNOPQR      \\ STUVWXYZ      0123456789     \u009f',
  '277':
    ' \u00a0âäàáã}çñ#.<(+!&éêëèíîïìß¤Å*);^-/ÂÄÀÁÃ$ÇÑø,%_>?¦ÉÊËÈÍÎÏÌ`:ÆØ\'="@abcdefghi«»ðýþ±°jklmnopqrªº{¸[]µüstuvwxyz¡¿ÐÝÞ®¢£¥·©§¶¼½¾¬|¯¨´×æABCDEFGHI\u00adôöòóõåJKLMNOPQR¹û~ùúÿ\\÷STUVWXYZ²ÔÖÒÓÕ0123456789³ÛÜÙÚ\u009f',
  '278':
    ' \u00a0â{àáã}çñ§.<(+!&`êëèíîïìß¤Å*);^-/Â#ÀÁÃ$ÇÑö,%_>?øÉÊËÈÍÎÏÌé:ÄÖ\'="Øabcdefghi«»ðýþ±°jklmnopqrªºæ¸Æ]µüstuvwxyz¡¿ÐÝÞ®¢£¥·©[¶¼½¾¬|¯¨´×äABCDEFGHI\u00adô¦òóõåJKLMNOPQR¹û~ùúÿ\\÷STUVWXYZ²Ô@ÒÓÕ0123456789³ÛÜÙÚ\u009f',
  '280':
    ' \u00a0âä{áãå\\ñ°.<(+!&]êë}íîï~ßé$*);^-/ÂÄÀÁÃÅÇÑò,%_>?øÉÊËÈÍÎÏÌù:£§\'="Øabcdefghi«»ðýþ±[jklmnopqrªºæ¸Æ¤µìstuvwxyz¡¿ÐÝÞ®¢#¥·©@¶¼½¾¬|¯¨´×àABCDEFGHI\u00adôö¦óõèJKLMNOPQR¹ûü`úÿç÷STUVWXYZ²ÔÖÒÓÕ0123456789³ÛÜÙÚ\u009f',
  '281':
    '          £.<(+|&         !¥*);¬-/        ¦,%_>?         `:#@\'=" abcdefghi       jklmnopqr       ‾stuvwxyz                      {ABCDEFGHI      }JKLMNOPQR      $ STUVWXYZ      0123456789     \u009f',
  '284':
    ' \u00a0âäàáãåç¦[.<(+|&éêëèíîïìß]$*);¬-/ÂÄÀÁÃÅÇ#ñ,%_>?øÉÊËÈÍÎÏÌ`:Ñ@\'="Øabcdefghi«»ðýþ±°jklmnopqrªºæ¸Æ¤µ¨stuvwxyz¡¿ÐÝÞ®¢£¥·©§¶¼½¾^!¯~´×{ABCDEFGHI\u00adôöòóõ}JKLMNOPQR¹ûüùúÿ\\÷STUVWXYZ²ÔÖÒÓÕ0123456789³ÛÜÙÚ\u009f',
  '285':
    ' \u00a0âäàáãåçñ$.<(+|&éêëèíîïìß!£*);¬-/ÂÄÀÁÃÅÇÑ¦,%_>?øÉÊËÈÍÎÏÌ`:#@\'="Øabcdefghi«»ðýþ±°jklmnopqrªºæ¸Æ¤µ‾stuvwxyz¡¿ÐÝÞ®¢[¥·©§¶¼½¾^]~¨´×{ABCDEFGHI\u00adôöòóõ}JKLMNOPQR¹ûüùúÿ\\÷STUVWXYZ²ÔÖÒÓÕ0123456789³ÛÜÙÚ\u009f',
  '290':
    ' 。「」、・ヲァィゥ£.<(+|&ェォャュョッ ー !¥*);¬-/        ¦,%_>?         `:#@\'=" アイウエオカキクケコ サシスセソタチツテトナニヌネノ  ハヒフ ‾ヘホマミムメモヤユ ヨラリル          レロワン゛゜ ABCDEFGHI       JKLMNOPQR      $ STUVWXYZ      0123456789     \u009f',
  '297':
    ' \u00a0âä@áãå\\ñ°.<(+!&{êë}íîïìß§$*);^-/ÂÄÀÁÃÅÇÑù,%_>?øÉÊËÈÍÎÏÌµ:£à\'="Øabcdefghi«»ðýþ±[jklmnopqrªºæ¸Æ¤`¨stuvwxyz¡¿ÐÝÞ®¢#¥·©]¶¼½¾¬|¯~´×éABCDEFGHI\u00adôöòóõèJKLMNOPQR¹ûü¦úÿç÷STUVWXYZ²ÔÖÒÓÕ0123456789³ÛÜÙÚ\u009f',
  '420':
    ' \u00a0\u0651\ufe7d\u0640 \u0621\u0622\ufe82\u0623¢.<(+|&\ufe84\u0624  \u0626\u0627\ufe8e\u0628\ufe91!$*);¬-/\u0629\u062a\ufe97\u062b\ufe9b\u062c\ufe9f\u062d¦,%_>?\ufea3\u062e\ufea7\u062f\u0630\u0631\u0632\u0633\ufeb3\u060c:#@\'="\u0634abcdefghi\ufeb7\u0635\ufebb\u0636\ufebf\u0637\u0638jklmnopqr\u0639\ufeca\ufecb\ufecc\u063a\ufece\ufecf÷stuvwxyz\ufed0\u0641\ufed3\u0642\ufed7\u0643\ufedb\u0644\ufef5\ufef6\ufef7\ufef8  \ufefb\ufefc\ufedf\u0645\ufee3\u0646\ufee7\u0647\u061bABCDEFGHI\u00ad\ufeeb \ufeec \u0648\u061fJKLMNOPQR\u0649\ufef0\u064a\ufef2\ufef3\u0660× STUVWXYZ\u0661\u0662 \u0663\u0664\u06650123456789 \u0666\u0667\u0668\u0669\u009f',
  '423':
    ' ΑΒΓΔΕΖΗΘΙ[.<(+!&ΚΛΜΝΞΟΠΡΣ]$*);^-/ΤΥΦΧΨΩ   ,%_>? ΆΈΉ ΊΌΎΏ`:£§\'="ÄabcdefghiαβγδεζÖjklmnopqrηθικλμÜ¨stuvwxyzνξοπρς άέήϊίόύϋώστυφχψ¸ABCDEFGHI ωÂàäê´JKLMNOPQR±éèëîï° STUVWXYZ½öôûùü0123456789ÿçÇ  \u009f',
  '424':
    ' \u05d0\u05d1\u05d2\u05d3\u05d4\u05d5\u05d6\u05d7\u05d8¢.<(+|&\u05d9\u05da\u05db\u05dc\u05dd\u05de\u05df\u05e0\u05e1!$*);¬-/\u05e2\u05e3\u05e4\u05e5\u05e6\u05e7\u05e8\u05e9¦,%_>? \u05ea  \u00a0   ⇔`:#@\'=" abcdefghi«»    °jklmnopqr   ¸ ¤µ~stuvwxyz     ®^£¥·©§¶¼½¾[]¯¨´×{ABCDEFGHI\u00ad     }JKLMNOPQR¹     \\÷STUVWXYZ²     0123456789³    \u009f',
  '500':
    ' \u00a0âäàáãåçñ[.<(+!&éêëèíîïìß]$*);^-/ÂÄÀÁÃÅÇÑ¦,%_>?øÉÊËÈÍÎÏÌ`:#@\'="Øabcdefghi«»ðýþ±°jklmnopqrªºæ¸Æ¤µ~stuvwxyz¡¿ÐÝÞ®¢£¥·©§¶¼½¾¬|¯¨´×{ABCDEFGHI\u00adôöòóõ}JKLMNOPQR¹ûüùúÿ\\÷STUVWXYZ²ÔÖÒÓÕ0123456789³ÛÜÙÚ\u009f',
  '803':
    '          $.<(+|\u05d0         !¢*);¬-/         ,%_>?          :#@\'=" \u05d1\u05d2\u05d3\u05d4\u05d5\u05d6\u05d7\u05d8\u05d9       \u05da\u05db\u05dc\u05dd\u05de\u05df\u05e0\u05e1\u05e2        \u05e3\u05e4\u05e5\u05e6\u05e7\u05e8\u05e9\u05ea                       ABCDEFGHI       JKLMNOPQR        STUVWXYZ      0123456789     \u009f',
  '838':
    ' \u00a0กขฃคฅฆง[¢.<(+|&\u0e48จฉชซฌญฎ]!$*);¬-/ฏฐฑฒณดต^¦,%_>?฿\u0e4eถทธนบปผ`:#@\'="๏abcdefghiฝพฟภมย๚jklmnopqrรฤลฦวศ๛~stuvwxyzษสหฬอฮ๐๑๒๓๔๕๖๗๘๙ฯะ\u0e31\u0e32\u0e33\u0e34{ABCDEFGHI\u0e49\u0e35\u0e36\u0e37\u0e38\u0e39}JKLMNOPQR\u0e3aเแโใไ\\\u0e4aSTUVWXYZๅๆ\u0e47\u0e48\u0e49\u0e4a0123456789\u0e4b\u0e4c\u0e4d\u0e4b \u009f',
  '870':
    ' \u00a0âäţáăčçć[.<(+!&éęëůíîľĺß]$*);^-/ÂÄ˝ÁĂČÇĆ|,%_>?ˇÉĘËŮÍÎĽĹ`:#@\'="˘abcdefghiśňđýřş°jklmnopqrłńš¸˛¤ą~stuvwxyzŚŇĐÝŘŞ·ĄżŢŻ§žźŽŹŁŃŠ¨´×{ABCDEFGHI\u00adôöŕóő}JKLMNOPQRĚűüťúě\\÷STUVWXYZďÔÖŔÓŐ0123456789ĎŰÜŤÚ\u009f',
  '871':
    ' \u00a0âäàáãåçñþ.<(+!&éêëèíîïìßÆ$*);Ö-/ÂÄÀÁÃÅÇÑ¦,%_>?øÉÊËÈÍÎÏÌð:#Ð\'="Øabcdefghi«»`ý{±°jklmnopqrªº}¸]¤µöstuvwxyz¡¿@Ý[®¢£¥·©§¶¼½¾¬|¯¨\\×ÞABCDEFGHI\u00adô~òóõæJKLMNOPQR¹ûüùúÿ´÷STUVWXYZ²Ô^ÒÓÕ0123456789³ÛÜÙÚ\u009f',
  '875':
    ' ΑΒΓΔΕΖΗΘΙ[.<(+!&ΚΛΜΝΞΟΠΡΣ]$*);^-/ΤΥΦΧΨΩΪΫ ,%_>?¨ΆΈΉ∇ΊΌΎΏ`:#@\'="΅abcdefghiαβγδεζ°jklmnopqrηθικλμ´~stuvwxyzνξοπρσ£άέήϊίόύϋώςτυφχψ{ABCDEFGHI\u00adωΐΰ‘―}JKLMNOPQR±½ ·’¦\\ STUVWXYZ²§  «¬0123456789³©  »\u009f',
  '880':
    '  ђѓё ѕіїј[.<(+!&љњћќ џЪ№Ђ]$*);^-/ЃЁ ЅІЇЈЉ¦,%_>?ЊЋЌ  Џюаб :#@\'="цabcdefghiдефгхийjklmnopqrклмнопя stuvwxyzрстужвьызшэщчъЮАБЦДЕФГ ABCDEFGHIХИЙКЛМ JKLMNOPQRНОПЯРС\\¤STUVWXYZТУЖВЬЫ0123456789ЗШЭЩЧ\u009f',
  '905':
    '  âäàá ċ{ñÇ.<(+!&éêëèíîïìßĞİ*);^-/ÂÄÀÁ Ċ[Ñş,%_>? ÉÊËÈÍÎÏÌı:ÖŞ\'=Ü˘abcdefghiħĉŝŭ |°jklmnopqrĥĝĵ˛ ¤µöstuvwxyzĦĈŜŬ @·£ż}Ż§] ½$ĤĜĴ¨´×çABCDEFGHI\u00adô~òóġğJKLMNOPQR`û\\ùú ü÷STUVWXYZ²Ô#ÒÓĠ0123456789³Û"ÙÚ\u009f',
  '918':
    ' \u00a0\u060c\u061b\u061f\u0623\u0627\ufe8e \u0628[.<(+!&\ufe91\u067e \u0629\u062a\ufe97  \u062b]$*);^-/\ufe9b\u062c\ufe9f  \u062d\ufea3\u062e`,%_>?\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669:#@\'="\ufea7abcdefghi\u062f \u0630\u0631 \u0632 jklmnopqr\u0633\ufeb3\u0634\ufeb7\u0635\ufebb\u0636~stuvwxyz\ufebf\u0637\u0638\u0639\ufeca\ufecb\ufecc\u063a\ufece\ufecf\ufed0\u0641\ufed3\u0642\ufed7\u0643\ufedb|  \u0644\ufede{ABCDEFGHI\u00ad \u0645\ufee3 \u0646}JKLMNOPQR\ufee7 \u0648   \\ STUVWXYZ\u0621     0123456789   \u0651\ufe7d\u009f',
  '1025':
    ' \u00a0ђѓёєѕіїј[.<(+!&љњћќўџЪ№Ђ]$*);^-/ЃЁЄЅІЇЈЉ|,%_>?ЊЋЌ\u00adЎЏюаб`:#@\'="цabcdefghiдефгхийjklmnopqrклмнопя~stuvwxyzрстужвьызшэщчъЮАБЦДЕФГ{ABCDEFGHIХИЙКЛМ}JKLMNOPQRНОПЯРС\\§STUVWXYZТУЖВЬЫ0123456789ЗШЭЩЧ\u009f',
  '1026':
    ' \u00a0âäàáãå{ñÇ.<(+!&éêëèíîïìßĞİ*);^-/ÂÄÀÁÃÅ[Ñş,%_>?øÉÊËÈÍÎÏÌı:ÖŞ\'=ÜØabcdefghi«»}`¦±°jklmnopqrªºæ˛Æ¤µöstuvwxyz¡¿]$@®¢£¥·©§¶¼½¾¬|—¨´×çABCDEFGHI\u00adô~òóõğJKLMNOPQR¹û\\ùúÿü÷STUVWXYZ²Ô#ÒÓÕ0123456789³Û"ÙÚ\u009f',
  '1047':
    ' \u00a0âäàáãåçñ¢.<(+|&éêëèíîïìß!$*);^-/ÂÄÀÁÃÅÇÑ¦,%_>?øÉÊËÈÍÎÏÌ`:#@\'="Øabcdefghi«»ðýþ±°jklmnopqrªºæ¸Æ¤µ~stuvwxyz¡¿Ð[Þ®¬£¥·©§¶¼½¾Ý¨¯]´×{ABCDEFGHI\u00adôöòóõ}JKLMNOPQR¹ûüùúÿ\\÷STUVWXYZ²ÔÖÒÓÕ0123456789³ÛÜÙÚ\u009f',
  '1097':
    ' \u00a0\u060c\u064b\ufe81\ufe82\uf8fa\ufe8d\ufe8e\uf8fb¤.<(+|&\ufe80\ufe83\ufe84\uf8f9\ufe85\ufe8b\ufe8f\ufe91\ufb56!$*);¬-/\ufb58\ufe95\ufe97\ufe99\ufe9b\ufe9d\ufe9f\ufb7a\u061b,%_>?\ufb7c\ufea1\ufea3\ufea5\ufea7\ufea9\ufeab\ufead\ufeaf`:#@\'="\ufb8aabcdefghi«»\ufeb1\ufeb3\ufeb5\ufeb7\ufeb9jklmnopqr\ufebb\ufebd\ufebf\ufec1\ufec3\ufec5\ufec7~stuvwxyz\ufec9\ufeca\ufecb\ufecc\ufecd\ufece\ufecf\ufed0\ufed1\ufed3\ufed5\ufed7\ufb8e\ufedb\ufb92\ufb94[]\ufedd\ufedf\ufee1×{ABCDEFGHI\u00ad\ufee3\ufee5\ufee7\ufeed\ufee9}JKLMNOPQR\ufeeb\ufeec\ufba4\ufbfc\ufbfd\ufbfe\\\u061fSTUVWXYZ\u0640\u06f0\u06f1\u06f2\u06f3\u06f40123456789\u06f5\u06f6\u06f7\u06f8\u06f9\u009f',
  '1112':
    ' \u00a0šäąįūåēž¢.<(+|&éęėčų„“ģß!$*);¬-/ŠÄĄĮŪÅĒŽ¦,%_>?øÉĘĖČŲĪĻĢ`:#@\'="Øabcdefghi«»āżń±°jklmnopqrŖŗæķÆ¤µ~stuvwxyz”źĀŻŃ®^£ī·©§¶¼½¾[]ŹĶļ×{ABCDEFGHI\u00adōöņóõ}JKLMNOPQR¹ćüłś’\\÷STUVWXYZ²ŌÖŅÓÕ0123456789³ĆÜŁŚ\u009f',
  '1122':
    ' \u00a0â{àáã}çñ§.<(+!&`êëèíîïìß¤Å*);^-/Â#ÀÁÃ$ÇÑö,%_>?ø\\ÊËÈÍÎÏÌé:ÄÖ\'="Øabcdefghi«»šýž±°jklmnopqrªºæ¸Æ]µüstuvwxyz¡¿ŠÝŽ®¢£¥·©[¶¼½¾¬|¯¨´×äABCDEFGHI\u00adô¦òóõåJKLMNOPQR¹û~ùúÿÉ÷STUVWXYZ²Ô@ÒÓÕ0123456789³ÛÜÙÚ\u009f',
  '1123':
    ' \u00a0ђґёєѕіїј[.<(+!&љњћќўџЪ№Ђ]$*);^-/ҐЁЄЅІЇЈЉ|,%_>?ЊЋЌ\u00adЎЏюаб`:#@\'="цabcdefghiдефгхийjklmnopqrклмнопя~stuvwxyzрстужвьызшэщчъЮАБЦДЕФГ{ABCDEFGHIХИЙКЛМ}JKLMNOPQRНОПЯРС\\§STUVWXYZТУЖВЬЫ0123456789ЗШЭЩЧ\u009f',
  '1130':
    ' \u00a0âäàáăåçñ[.<(+!&éêëèíîï\u0303ß]$*);^-/ÂÄÀÁĂÅÇÑ¦,%_>?øÉÊËÈÍÎÏ₫`:#@\'="Øabcdefghi«»đ\u0309\u0300±°jklmnopqrªºæŒÆ¤µ~stuvwxyz¡¿Đ\u0323\u0301®¢£¥·©§¶¼½¾¬|¯œŸ×{ABCDEFGHI\u00adôöưóơ}JKLMNOPQR¹ûüùúÿ\\÷STUVWXYZ²ÔÖƯÓƠ0123456789³ÛÜÙÚ\u009f',
  '1132':
    ' \u00a0ກຂຄງຈສຊ[¢.<(+|& ຍດຕຖທນບ]!$*);¬-/ປຜຝພຟມຢ^¦,%_>?k ຣລວຫອຮ `:#@\'=" abcdefghi  ຯະາຳ jklmnopqrິີຶືຸູ ~stuvwxyzຼັົຽ  ໐໑໒໓໔໕໖໗໘໙ ເແໂໃໄ{ABCDEFGHI ່້໊໋໌}JKLMNOPQRໍໆ ໜໝ \\ STUVWXYZ      0123456789     \u009f',
  '1137':
    ' \u00a0ँंःअआइईउऊ.<(+|&ऋऌऍऎएऐऑऒओ!$*);^-/औकखगघङचछज,%_>?झञटठडढणतथ`:#@\'="दabcdefghiधनपफबभमjklmnopqrयरलळवश\u200c~stuvwxyzषसह[़ऽािीुूृॄॅॆेैॉॊ]ोौ{ABCDEFGHI्ॐ॒॑  }JKLMNOPQRॠॡॢॣ।॥\\\u200dSTUVWXYZ०१२३४५0123456789६७८९॰\u009f',
  '1140':
    ' \u00a0âäàáãåçñ¢.<(+|&éêëèíîïìß!$*);¬-/ÂÄÀÁÃÅÇÑ¦,%_>?øÉÊËÈÍÎÏÌ`:#@\'="Øabcdefghi«»ðýþ±°jklmnopqrªºæ¸Æ€µ~stuvwxyz¡¿ÐÝÞ®^£¥·©§¶¼½¾[]¯¨´×{ABCDEFGHI\u00adôöòóõ}JKLMNOPQR¹ûüùúÿ\\÷STUVWXYZ²ÔÖÒÓÕ0123456789³ÛÜÙÚ\u009f',
  '1141':
    ' \u00a0â{àáãåçñÄ.<(+!&éêëèíîïì~Ü$*);^-/Â[ÀÁÃÅÇÑö,%_>?øÉÊËÈÍÎÏÌ`:#§\'="Øabcdefghi«»ðýþ±°jklmnopqrªºæ¸Æ€µßstuvwxyz¡¿ÐÝÞ®¢£¥·©@¶¼½¾¬|¯¨´×äABCDEFGHI\u00adô¦òóõüJKLMNOPQR¹û}ùúÿÖ÷STUVWXYZ²Ô\\ÒÓÕ0123456789³Û]ÙÚ\u009f',
  '1142':
    ' \u00a0âäàáã}çñ#.<(+!&éêëèíîïìß€Å*);^-/ÂÄÀÁÃ$ÇÑø,%_>?¦ÉÊËÈÍÎÏÌ`:ÆØ\'="@abcdefghi«»ðýþ±°jklmnopqrªº{¸[]µüstuvwxyz¡¿ÐÝÞ®¢£¥·©§¶¼½¾¬|¯¨´×æABCDEFGHI\u00adôöòóõåJKLMNOPQR¹û~ùúÿ\\÷STUVWXYZ²ÔÖÒÓÕ0123456789³ÛÜÙÚ\u009f',
  '1143':
    ' \u00a0â{àáã}çñ§.<(+!&`êëèíîïìß€Å*);^-/Â#ÀÁÃ$ÇÑö,%_>?ø\\ÊËÈÍÎÏÌé:ÄÖ\'="Øabcdefghi«»ðýþ±°jklmnopqrªºæ¸Æ]µüstuvwxyz¡¿ÐÝÞ®¢£¥·©[¶¼½¾¬|¯¨´×äABCDEFGHI\u00adô¦òóõåJKLMNOPQR¹û~ùúÿÉ÷STUVWXYZ²Ô@ÒÓÕ0123456789³ÛÜÙÚ\u009f',
  '1144':
    ' \u00a0âä{áãå\\ñ°.<(+!&]êë}íîï~ßé$*);^-/ÂÄÀÁÃÅÇÑò,%_>?øÉÊËÈÍÎÏÌù:£§\'="Øabcdefghi«»ðýþ±[jklmnopqrªºæ¸Æ€µìstuvwxyz¡¿ÐÝÞ®¢#¥·©@¶¼½¾¬|¯¨´×àABCDEFGHI\u00adôö¦óõèJKLMNOPQR¹ûü`úÿç÷STUVWXYZ²ÔÖÒÓÕ0123456789³ÛÜÙÚ\u009f',
  '1145':
    ' \u00a0âäàáãåç¦[.<(+|&éêëèíîïìß]$*);¬-/ÂÄÀÁÃÅÇ#ñ,%_>?øÉÊËÈÍÎÏÌ`:Ñ@\'="Øabcdefghi«»ðýþ±°jklmnopqrªºæ¸Æ€µ¨stuvwxyz¡¿ÐÝÞ®¢£¥·©§¶¼½¾^!¯~´×{ABCDEFGHI\u00adôöòóõ}JKLMNOPQR¹ûüùúÿ\\÷STUVWXYZ²ÔÖÒÓÕ0123456789³ÛÜÙÚ\u009f',
  '1146':
    ' \u00a0âäàáãåçñ$.<(+|&éêëèíîïìß!£*);¬-/ÂÄÀÁÃÅÇÑ¦,%_>?øÉÊËÈÍÎÏÌ`:#@\'="Øabcdefghi«»ðýþ±°jklmnopqrªºæ¸Æ€µ¯stuvwxyz¡¿ÐÝÞ®¢[¥·©§¶¼½¾^]~¨´×{ABCDEFGHI\u00adôöòóõ}JKLMNOPQR¹ûüùúÿ\\÷STUVWXYZ²ÔÖÒÓÕ0123456789³ÛÜÙÚ\u009f',
  '1147':
    ' \u00a0âä@áãå\\ñ°.<(+!&{êë}íîïìß§$*);^-/ÂÄÀÁÃÅÇÑù,%_>?øÉÊËÈÍÎÏÌµ:£à\'="Øabcdefghi«»ðýþ±[jklmnopqrªºæ¸Æ€`¨stuvwxyz¡¿ÐÝÞ®¢#¥·©]¶¼½¾¬|¯~´×éABCDEFGHI\u00adôöòóõèJKLMNOPQR¹ûü¦úÿç÷STUVWXYZ²ÔÖÒÓÕ0123456789³ÛÜÙÚ\u009f',
  '1148':
    ' \u00a0âäàáãåçñ[.<(+!&éêëèíîïìß]$*);^-/ÂÄÀÁÃÅÇÑ¦,%_>?øÉÊËÈÍÎÏÌ`:#@\'="Øabcdefghi«»ðýþ±°jklmnopqrªºæ¸Æ€µ~stuvwxyz¡¿ÐÝÞ®¢£¥·©§¶¼½¾¬|¯¨´×{ABCDEFGHI\u00adôöòóõ}JKLMNOPQR¹ûüùúÿ\\÷STUVWXYZ²ÔÖÒÓÕ0123456789³ÛÜÙÚ\u009f',
  '1149':
    ' \u00a0âäàáãåçñÞ.<(+!&éêëèíîïìßÆ$*);Ö-/ÂÄÀÁÃÅÇÑ¦,%_>?øÉÊËÈÍÎÏÌð:#Ð\'="Øabcdefghi«»`ý{±°jklmnopqrªº}¸]€µöstuvwxyz¡¿@Ý[®¢£¥·©§¶¼½¾¬|¯¨\\×þABCDEFGHI\u00adô~òóõæJKLMNOPQR¹ûüùúÿ´÷STUVWXYZ²Ô^ÒÓÕ0123456789³ÛÜÙÚ\u009f',
  '1153':
    ' \u00a0âäţáăčçć[.<(+!&éęëůíîľĺß]$*);^-/ÂÄ˝ÁĂČÇĆ|,%_>?ˇÉĘËŮÍÎĽĹ`:#@\'="˘abcdefghiśňđýřş°jklmnopqrłńš¸˛€ą~stuvwxyzŚŇĐÝŘŞ˙ĄżŢŻ§žźŽŹŁŃŠ¨´×{ABCDEFGHI\u00adôöŕóő}JKLMNOPQRĚűüťúě\\÷STUVWXYZďÔÖŔÓŐ0123456789ĎŰÜŤÚ\u009f',
  '1154':
    ' \u00a0ђѓёєѕіїј[.<(+!&љњћќўџЪ№Ђ]$*);^-/ЃЁЄЅІЇЈЉ|,%_>?ЊЋЌ\u00adЎЏюаб`:#@\'="цabcdefghiдефгхийjklmnopqrклмнопя~stuvwxyzрстужвьызшэщчъЮАБЦДЕФГ{ABCDEFGHIХИЙКЛМ}JKLMNOPQRНОПЯРС\\€STUVWXYZТУЖВЬЫ0123456789ЗШЭЩЧ\u009f',
  '1155':
    ' \u00a0âäàáãå{ñÇ.<(+!&éêëèíîïìßĞİ*);^-/ÂÄÀÁÃÅ[Ñş,%_>?øÉÊËÈÍÎÏÌı:ÖŞ\'=ÜØabcdefghi«»}`¦±°jklmnopqrªºæ¸Æ€µöstuvwxyz¡¿]$@®¢£¥·©§¶¼½¾¬|¯¨´×çABCDEFGHI\u00adô~òóõğJKLMNOPQR¹û\\ùúÿü÷STUVWXYZ²Ô#ÒÓÕ0123456789³Û"ÙÚ\u009f',
  '1156':
    ' \u00a0šäąįūåēž¢.<(+|&éęėčų„“ģß!$*);¬-/ŠÄĄĮŪÅĒŽ¦,%_>?øÉĘĖČŲĪĻĢ`:#@\'="Øabcdefghi«»āżń±°jklmnopqrŖŗæķÆ€µ~stuvwxyz”źĀŻŃ®^£ī·©§¶¼½¾[]ŹĶļ×{ABCDEFGHI\u00adōöņóõ}JKLMNOPQR¹ćüłś’\\÷STUVWXYZ²ŌÖŅÓÕ0123456789³ĆÜŁŚ\u009f',
  '1157':
    ' \u00a0â{àáã}çñ§.<(+!&`êëèíîïìß€Å*);^-/Â#ÀÁÃ$ÇÑö,%_>?ø\\ÊËÈÍÎÏÌé:ÄÖ\'="Øabcdefghi«»šýž±°jklmnopqrªºæ¸Æ]µüstuvwxyz¡¿ŠÝŽ®¢£¥·©[¶¼½¾¬|¯¨´×äABCDEFGHI\u00adô¦òóõåJKLMNOPQR¹û~ùúÿÉ÷STUVWXYZ²Ô@ÒÓÕ0123456789³ÛÜÙÚ\u009f',
  '1158':
    ' \u00a0ђґёєѕіїј[.<(+!&љњћќўџЪ№Ђ]$*);^-/ҐЁЄЅІЇЈЉ|,%_>?ЊЋЌ\u00adЎЏюаб`:#@\'="цabcdefghiдефгхийjklmnopqrклмнопя~stuvwxyzрстужвьызшэщчъЮАБЦДЕФГ{ABCDEFGHIХИЙКЛМ}JKLMNOPQRНОПЯРС\\€STUVWXYZТУЖВЬЫ0123456789ЗШЭЩЧ\u009f',
  '1160':
    ' \u00a0กขฃคฅฆง[¢.<(+|&\u0e48จฉชซฌญฎ]!$*);¬-/ฏฐฑฒณดต^¦,%_>?฿\u0e4eถทธนบปผ`:#@\'="๏abcdefghiฝพฟภมย๚jklmnopqrรฤลฦวศ๛~stuvwxyzษสหฬอฮ๐๑๒๓๔๕๖๗๘๙ฯะ\u0e31\u0e32\u0e33\u0e34{ABCDEFGHI\u0e49\u0e35\u0e36\u0e37\u0e38\u0e39}JKLMNOPQR\u0e3aเแโใไ\\\u0e4aSTUVWXYZๅๆ\u0e47\u0e48\u0e49\u0e4a0123456789\u0e4b\u0e4c\u0e4d\u0e4b€\u009f',
  '1164':
    ' \u00a0âäàáăåçñ[.<(+!&éêëèíîï\u0303ß]$*);^-/ÂÄÀÁĂÅÇÑ¦,%_>?øÉÊËÈÍÎÏ₫`:#@\'="Øabcdefghi«»đ\u0309\u0300±°jklmnopqrªºæŒÆ€µ~stuvwxyz¡¿Đ\u0323\u0301®¢£¥·©§¶¼½¾¬|¯œŸ×{ABCDEFGHI\u00adôöưóơ}JKLMNOPQR¹ûüùúÿ\\÷STUVWXYZ²ÔÖƯÓƠ0123456789³ÛÜÙÚ\u009f',
  '1166':
    ' \u00a0әғёєѕіқј[.<(+!&ңөұүўһЪ№Ә]$*);^-/ҒЁЄЅІҚЈҢ|,%_>?ӨҰҮ\u00adЎҺюаб`:#@\'="цabcdefghiдефгхийjklmnopqrклмнопя~stuvwxyzрстужвьызшэщчъЮАБЦДЕФГ{ABCDEFGHIХИЙКЛМ}JKLMNOPQRНОПЯРС\\€STUVWXYZТУЖВЬЫ0123456789ЗШЭЩЧ\u009f',
  '4971':
    ' ΑΒΓΔΕΖΗΘΙ[.<(+!&ΚΛΜΝΞΟΠΡΣ]$*);^-/ΤΥΦΧΨΩΪΫ|,%_>?¨ΆΈΉ\u00a0ΊΌΎΏ`:#@\'="΅abcdefghiαβγδεζ°jklmnopqrηθικλμ´~stuvwxyzνξοπρσ£άέήϊίόύϋώςτυφχψ{ABCDEFGHI\u00adωΐΰ‘―}JKLMNOPQR±½ ·’¦\\ STUVWXYZ²§  «¬0123456789³©€ »\u009f',
};
